-- The store's tables and views, schema version 3. Everything here is made again from outcome files.
CREATE TABLE IF NOT EXISTS meta (schema_version INTEGER);
CREATE TABLE IF NOT EXISTS environment (environment VARCHAR PRIMARY KEY, key JSON);
CREATE TABLE IF NOT EXISTS record (claim VARCHAR PRIMARY KEY, record_sha256 VARCHAR);
CREATE TABLE IF NOT EXISTS run (
    run VARCHAR PRIMARY KEY, claim VARCHAR, environment VARCHAR, hardware VARCHAR, budget VARCHAR, started VARCHAR,
    ended VARCHAR, seconds DOUBLE, record_sha256 VARCHAR, verifier VARCHAR, verifier_sha256 VARCHAR,
    verifier_commit VARCHAR, plan_sha256 VARCHAR, versions JSON, as_of VARCHAR, releases VARCHAR[],
    context JSON, interrupted BOOLEAN);
CREATE TABLE IF NOT EXISTS outcome (
    run VARCHAR PRIMARY KEY, claim VARCHAR, verdict VARCHAR, reason VARCHAR, because VARCHAR, direction JSON,
    magnitude JSON, readings JSON, estimate DOUBLE, low DOUBLE, high DOUBLE, resolved DOUBLE, blocks INTEGER, indicative BOOLEAN,
    cells JSON, expectations JSON, logic JSON);
CREATE TABLE IF NOT EXISTS sample (
    run VARCHAR, block INTEGER, place INTEGER, round INTEGER, position INTEGER, side VARCHAR, arm VARCHAR,
    steps INTEGER, cost BIGINT, cpu BIGINT, start BIGINT);
CREATE TABLE IF NOT EXISTS block (
    run VARCHAR, block INTEGER, control BOOLEAN, samples INTEGER, cost BIGINT, start BIGINT);
CREATE TABLE IF NOT EXISTS watched (
    run VARCHAR, block INTEGER, cores INTEGER, wall BIGINT, bursts BIGINT, partner BIGINT, others BIGINT,
    stolen BIGINT, throttled BIGINT, switches BIGINT);
CREATE TABLE IF NOT EXISTS gate (
    run VARCHAR, name VARCHAR, figure DOUBLE, "limit" DOUBLE, passed BOOLEAN, seen VARCHAR, advice VARCHAR);
CREATE TABLE IF NOT EXISTS finding (run VARCHAR, field VARCHAR, value JSON);
CREATE TABLE IF NOT EXISTS citation (
    run VARCHAR, claim VARCHAR, source VARCHAR, figure VARCHAR, value DOUBLE, text VARCHAR, unit VARCHAR,
    population VARCHAR, date VARCHAR, locator VARCHAR, read VARCHAR);
CREATE OR REPLACE VIEW history AS
    SELECT run.*, outcome.* EXCLUDE (run, claim),
           run.record_sha256 = record.record_sha256 AND coalesce(len(run.releases), 0) = 0 AS counts
    FROM run JOIN outcome USING (run) LEFT JOIN record ON record.claim = run.claim
    ORDER BY run.claim, run.run;
CREATE OR REPLACE VIEW verdict AS
    SELECT claim, hardware, environment, run, reason,
           CASE WHEN reason = 'smoke' THEN 'untested' ELSE verdict END AS verdict
    FROM history WHERE counts
    QUALIFY row_number() OVER (
        PARTITION BY claim, hardware, environment
        ORDER BY CASE WHEN reason = 'smoke' OR verdict = 'untested' THEN 0 WHEN verdict = 'inconclusive' THEN 1
                 ELSE 2 END DESC, run DESC) = 1;
CREATE OR REPLACE VIEW summary AS
    SELECT claim, hardware,
           CASE WHEN bool_or(verdict = 'supported') AND bool_or(verdict = 'refuted') THEN 'mixed'
                WHEN bool_or(verdict = 'supported') THEN 'supported'
                WHEN bool_or(verdict = 'refuted') THEN 'refuted'
                WHEN bool_or(verdict = 'inconclusive') THEN 'inconclusive'
                ELSE 'untested' END AS summary
    FROM verdict GROUP BY claim, hardware;
