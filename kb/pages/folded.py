"""Long tables behind their titles."""

import streamlit as st
from markupsafe import Markup

LONG = 8


def folded(title: str, rows: int, shown: Markup) -> None:
    """Show a table of so many rows, behind its title where it is long."""
    with st.expander(title) if rows > LONG else st.container():
        st.html(shown)
