"""Workbooks: .xlsx, .ods and .xls, as the spreadsheet shows them."""
