"""The packages, which pyproject.toml cannot both find and extend: `resources` is installed inside genstudio."""

from setuptools import find_packages, setup

setup(
    packages=["genstudio.resources", *find_packages(include=["genstudio", "genstudio.*"])],
    package_dir={"genstudio.resources": "resources"},
    package_data={"genstudio.resources": ["**/*"]},
)
