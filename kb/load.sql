-- One outcome file, whose path is the only parameter, into all tables.
CREATE OR REPLACE TEMP TABLE loaded AS
    SELECT * FROM read_json(?, format='unstructured', maximum_object_size=536870912, columns={claim: 'VARCHAR', run: 'VARCHAR', verdict: 'VARCHAR', reason: 'VARCHAR', because: 'VARCHAR',
             direction: 'JSON', magnitude: 'JSON', readings: 'JSON', estimate: 'DOUBLE', interval: 'DOUBLE[]',
             resolved: 'DOUBLE', blocks: 'INTEGER', indicative: 'BOOLEAN', hardware: 'VARCHAR', environment: 'VARCHAR',
             environment_key: 'JSON', context: 'JSON', versions: 'JSON', budget: 'VARCHAR', as_of: 'VARCHAR',
             releases: 'VARCHAR[]', started: 'VARCHAR',
             ended: 'VARCHAR', seconds: 'DOUBLE', record_sha256: 'VARCHAR', verifier: 'VARCHAR',
             verifier_sha256: 'VARCHAR', verifier_commit: 'VARCHAR', plan_sha256: 'VARCHAR', interrupted: 'BOOLEAN',
             cells: 'JSON', expectations: 'JSON', logic: 'JSON', finding: 'MAP(VARCHAR, JSON)',
             record: 'STRUCT(citations STRUCT(source VARCHAR, figure VARCHAR, "value" DOUBLE, "text" VARCHAR,
                 unit VARCHAR, population VARCHAR, date VARCHAR, locator VARCHAR, read VARCHAR)[])',
             plan: 'STRUCT(control_every INTEGER)',
             gates: 'STRUCT("name" VARCHAR, figure DOUBLE, "limit" DOUBLE, passed BOOLEAN, seen VARCHAR,
                 advice VARCHAR)[]',
             watched: 'STRUCT(block INTEGER[], cores INTEGER[], wall BIGINT[], bursts BIGINT[], partner BIGINT[],
                 others BIGINT[], stolen BIGINT[], throttled BIGINT[], switches BIGINT[])',
             samples: 'STRUCT(block INTEGER[], place INTEGER[], round INTEGER[], position INTEGER[], side VARCHAR[],
                 arm VARCHAR[], steps INTEGER[], cost BIGINT[], cpu BIGINT[], start BIGINT[])'});
INSERT OR IGNORE INTO environment SELECT environment, environment_key FROM loaded;
INSERT INTO run SELECT run, claim, environment, hardware, budget, started, ended, seconds, record_sha256, verifier,
    verifier_sha256, verifier_commit, plan_sha256, versions, as_of, releases, context, interrupted FROM loaded;
INSERT INTO outcome SELECT run, claim, verdict, reason, because, direction, magnitude, readings, estimate,
    interval[1], interval[2], resolved, blocks, indicative, cells, expectations, logic FROM loaded;
INSERT INTO sample SELECT run, unnest(samples.block), unnest(samples.place), unnest(samples.round),
    unnest(samples.position), unnest(samples.side), unnest(samples.arm), unnest(samples.steps),
    unnest(samples.cost), unnest(samples.cpu), unnest(samples.start) FROM loaded;
INSERT INTO block SELECT run, block, plan.control_every > 0 AND block % plan.control_every = 0, count(*), sum(cost),
    min(start) FROM sample JOIN loaded USING (run) GROUP BY run, block, plan.control_every ORDER BY block;
INSERT INTO watched SELECT run, unnest(watched.block), unnest(watched.cores), unnest(watched.wall),
    unnest(watched.bursts), unnest(watched.partner), unnest(watched.others), unnest(watched.stolen),
    unnest(watched.throttled), unnest(watched.switches) FROM loaded;
INSERT INTO gate SELECT run, gate."name", gate.figure, gate."limit", gate.passed, gate.seen, gate.advice FROM
    (SELECT run, unnest(gates) AS gate FROM loaded);
INSERT INTO finding SELECT run, entry.key, entry.value FROM
    (SELECT run, unnest(map_entries(finding)) AS entry FROM loaded);
INSERT INTO citation SELECT run, claim, cited.source, cited.figure, cited."value", cited."text", cited.unit,
    cited.population, cited.date, cited.locator, cited.read FROM
    (SELECT run, claim, unnest(record.citations) AS cited FROM loaded);
INSERT OR REPLACE INTO record SELECT claim, record_sha256 FROM loaded
    WHERE NOT EXISTS (SELECT 1 FROM run WHERE run.claim = loaded.claim AND run.run > loaded.run);
