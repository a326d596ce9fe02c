"""What Daka is made of and what it needs; the folders are the import packages."""

from setuptools import find_packages, setup

# The base is what `device.messages` needs, so that a server team gets the codec and no model runtime.
MESSAGES = ["attrs>=25", "cattrs>=25,<27", "cryptography>=45,<51", "fastjsonschema>=2.21,<3"]

KIOSK = [
    # The user's list. opencv-contrib-python is the superset of opencv-python from the same project and owns the same `cv2` folder;
    # mediapipe requires it, and having both breaks one of them. mediapipe and bleak are declared for the rooms that they are for.
    "bleak>=3,<4",
    "flask>=3.1,<4",
    "mediapipe>=1.2,<2",
    "numpy>=2,<3",
    "onnxruntime>=1.30,<2",
    "opencv-contrib-python>=5,<6",
    "threadpoolctl>=3.5,<4",
    "paho-mqtt>=2.1,<3",
    # Beside it: libraries rather than code of our own.
    "click>=8.1,<9",
    "httpx>=0.28,<1",
    "matplotlib>=3.9,<4",
    "onnx>=1.19,<2",
    "platformdirs>=4,<5",
    "psutil>=7,<8",
    "pydantic>=2.10,<3",
    "pypi-simple>=1.6,<2",
    "requests>=2.32,<3",
    "rich>=14,<16",
    "segno>=1.6,<2",
    "waitress>=3,<4",
]

WEB = ["flask>=3.1,<4", "httpx>=0.28,<1"]

ENTERPRISE = ["click>=8.1,<9", "paho-mqtt>=2.1,<3", "psycopg[binary]>=3.2,<4", "rich>=14,<16", "sqlalchemy>=2.0,<3"]

DEV = [
    "hypothesis>=6.130,<7",
    "import-linter>=2.3,<3",
    "jsonschema>=4.23,<5",
    "mypy>=1.15,<3",
    "pip-tools>=7.4,<8",
    "pytest>=8,<10",
    "pytest-timeout>=2.3,<3",
    "pyyaml>=6,<7",
    "rfc8785>=0.1.4,<1",
    "ruff>=0.11,<1",
    "types-jsonschema>=4",
    "types-psutil>=7",
    "types-pyyaml>=6",
    "types-requests>=2.32",
    "types-waitress>=3",
]

setup(
    name="daka",
    version="0.1.0",
    description="Attendance and face verification on the kiosk: no picture leaves, no punch is lost, promises can be shown",
    license="Apache-2.0",
    python_requires=">=3.11",
    packages=find_packages(include=["device", "device.*", "models", "models.*", "enterprise", "enterprise.*"]),
    package_data={
        "device": ["schemas/*", "migrations/*/*.sql", "texts/*.txt"],
        "models": ["weights.toml", "MODEL_CARD.md"],
    },
    install_requires=MESSAGES,
    extras_require={"kiosk": KIOSK, "web": WEB, "enterprise": ENTERPRISE, "dev": DEV},
    entry_points={
        "console_scripts": [
            "daka = device.commands.main:main",
            "daka-enterprise = enterprise.commands.main:main",
        ],
    },
)
