"""What Daka is made of and what it needs; the folders are the import packages."""

from setuptools import find_packages, setup

# The base is what `device.messages` needs, so that a server team gets the codec and no model runtime.
MESSAGES = [
    "attrs>=25",
    "cattrs>=25,<27",
    "cbor2>=5.6,<7",
    "cryptography>=45,<51",
    "jsonschema-rs>=0.30,<1",  # a third of the time of what Python can compile a schema to
    "orjson>=3.10,<4",  # the canonical spelling in a quarter of the standard library's time
]

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
    "argon2-cffi>=25,<26",  # PIN hashes: Argon2id by its reference implementation
    "click>=8.1,<9",
    "dbus-fast>=4,<6",  # already bleak's; our pairing agent speaks it
    # badge readers that type, grabbed away from the browser: Python over Debian's libevdev2; evdev has no wheel for aarch64
    "libevdev>=0.13,<1",
    "babel>=2.16,<3",  # gettext catalogues of the kiosk page
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
    "tuf>=6,<8",  # signed update metadata, by the design's own reference implementation
    "tzdata>=2025.2",  # shifts need zones also where Debian's tzdata is missing
    "waitress>=3,<4",
    "zxing-cpp>=2.3,<4",  # QR codes from the camera
]

WEB = [
    "argon2-cffi>=25,<26",
    "cheroot>=10,<12",  # serves TLS on a descriptor that systemd hands it
    "flask>=3.1,<4",
    "flask-babel>=4,<5",
    "flask-limiter>=3.12,<5",
    "flask-login>=0.6.3,<0.7",
    "flask-wtf>=1.2,<2",
    "httpx>=0.28,<1",
    "openpyxl>=3.1,<4",
    "pyotp>=2.9,<3",
    "segno>=1.6,<2",
    "tzdata>=2025.2",
    "waitress>=3,<4",
]

LOCK = ["bumble>=0.0.220,<0.1", "click>=8.1,<9", "dbus-fast>=4,<6"]  # the reference lock

ENTERPRISE = [
    "argon2-cffi>=25,<26",  # PINs of a roster
    "cheroot>=10,<12",
    "click>=8.1,<9",
    "flask>=3.1,<4",
    "paho-mqtt>=2.1,<3",
    "psycopg[binary]>=3.2,<4",
    "rich>=14,<16",
    "segno>=1.6,<2",  # an invitation as a QR code
    "sqlalchemy>=2.0,<3",
    "tuf>=6,<8",
]

DEV = [
    "axe-playwright-python>=0.1.7,<0.2",
    "hypothesis>=6.130,<7",
    "import-linter>=2.3,<3",
    "jsonschema>=4.23,<5",
    "mypy>=1.15,<3",
    "persist-queue>=1,<2",
    "pip-tools>=7.4,<8",
    "playwright>=1.55,<2",
    "prometheus-client>=0.23,<1",  # reads what we write for Prometheus
    "pytest>=8,<10",
    "pytest-timeout>=2.3,<3",
    "pyyaml>=6,<7",
    "rfc8785>=0.1.4,<1",
    "ruff>=0.11,<1",
    "types-jsonschema>=4",
    "types-openpyxl>=3.1",
    "types-psutil>=7",
    "types-pyyaml>=6",
    "types-requests>=2.32",
    "types-waitress>=3",
]

ROOMS = ("device", "models", "enterprise", "firmware_bridge", "web_ui")

setup(
    name="daka",
    version="0.1.0",
    description="Attendance and face verification on the kiosk: no picture leaves, no punch is lost, promises can be shown",
    license="Apache-2.0",
    python_requires=">=3.11",
    packages=find_packages(include=[f"{room}{part}" for room in ROOMS for part in ("", ".*")]),
    package_data={
        "device": ["schemas/*", "migrations/*/*.sql", "texts/*.txt", "page/assets/*", "page/translations/*.po", "screen/*.html"],
        "web_ui": ["migrations/*.sql", "static/*", "templates/*.html", "translations/*/LC_MESSAGES/*.po"],
        "models": ["weights.toml", "MODEL_CARD.md"],
    },
    install_requires=MESSAGES,
    extras_require={"kiosk": KIOSK, "web": WEB, "lock": LOCK, "enterprise": ENTERPRISE, "dev": DEV},
    entry_points={
        "console_scripts": [
            "daka = device.started:daka",
            "daka-display = device.commands.display:main",
            "daka-enterprise = enterprise.commands.main:main",
            "daka-lock = firmware_bridge.started:lock",
        ],
        "daka.lock_drivers": ["daka = firmware_bridge.lock.profile_driver:ProfileDriver"],
    },
)
