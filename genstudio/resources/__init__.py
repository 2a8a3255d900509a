"""The data that ships: setuptools finds this package, and fills it from the folder resources/ beside genstudio/."""
