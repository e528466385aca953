"""The only floor that touches data, processes and clocks."""
