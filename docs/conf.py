"""Sphinx: how the pages that `build_site.py` gathers become the site in out/docs."""

from importlib import metadata

project = "proxysim"
author = "proxysim contributors"
release = metadata.version("proxysim")
html_title = "proxysim"

extensions = ["myst_nb", "sphinx.ext.autodoc", "sphinx_copybutton"]
exclude_patterns = ["**.ipynb_checkpoints"]

# Pages are Markdown that a git host shows as well: no syntax of our own, but for what it calls
# front matter and anchors at headings.
myst_enable_extensions = ["deflist"]
myst_heading_anchors = 4
nb_execution_mode = "off"  # `make notebooks` executes; the site shows what came out
nb_merge_streams = True
nb_code_prompt_show = "▸ Show the code"
nb_code_prompt_hide = "▾ Hide the code"

autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_class_signature = "separated"
autodoc_preserve_defaults = True
python_use_unqualified_type_names = True
toc_object_entries_show_parents = "hide"

copybutton_prompt_text = "$ "
copybutton_only_copy_prompt_lines = False

html_theme = "furo"
html_static_path = ["static"]
html_css_files = ["site.css"]
html_copy_source = False
html_show_sphinx = False
html_show_copyright = False
html_theme_options = {
    "navigation_with_keys": True,
    "light_css_variables": {"color-brand-primary": "#0072b2", "color-brand-content": "#0072b2"},
    "dark_css_variables": {"color-brand-primary": "#56b4e9", "color-brand-content": "#56b4e9"},
}
