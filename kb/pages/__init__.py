"""The app's pages and what they are made of; Streamlit runs `claims.py` and `claim.py` as scripts."""
