"""From facts, tables, figures and the author's words to pages: the only room that writes TeX."""
