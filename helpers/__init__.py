"""Code that the lessons of *ConvNets, cell by cell* import.

A lesson writes out what it teaches and imports from here what an earlier lesson taught
or what is not its subject (plotting, explorers, checking). Nothing is imported with the
package: ``import helpers`` costs nothing, and a server without Jupyter can use
``helpers.convolution`` and its like.
"""

__version__ = "0.2.0"
