"""The app's entry: which pages there are. `kb app` starts it."""

import streamlit as st

from kb.pages.markup import CSS

st.set_page_config(page_title="Claims about deep learning frameworks", layout="wide")
pages = [
    st.Page("kb/pages/claims.py", title="Claims", default=True),
    st.Page("kb/pages/claim.py", title="Claim", url_path="claim", visibility="hidden"),
]
chosen = st.navigation(pages, position="hidden")
st.html(CSS)
chosen.run()
