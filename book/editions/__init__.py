"""The book in other forms, made from its rendered pages.

===========  =========================================================
`pages`      reads the pages of ``_build/html`` in their order, without
             what only a browser's window needs
`browser`    the system's Chromium, which prints
`cover`      the picture in front
`pdf`        all pages as one PDF: ``make pdf``
`epub`       all pages as an EPUB: ``make epub``
`slides`     each chapter as slides: ``make slides``
`notebooks`  downloads that fetch what they need
===========  =========================================================
"""
