# One image for every process; docker-compose.yml says which runs which command.
# Python 3.11 is the oldest supported and the one the tests run on.
FROM python:3.11-slim AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_NO_INPUT=1
WORKDIR /app
RUN python -m venv --without-pip /opt/venv
COPY requirements/server.lock requirements/server.lock
# Wheels only, each with a hash from the lock: nothing is compiled, so no compiler is installed.
RUN pip --python /opt/venv/bin/python install --require-hashes --only-binary :all: -r requirements/server.lock
COPY pyproject.toml celeryconfig.py alembic.ini ./
COPY alembic alembic
COPY models models
COPY tasks tasks
COPY webapp webapp
# Editable, because migrations are found beside the packages.
RUN pip --python /opt/venv/bin/python install --no-deps --editable . && python -m compileall -q .

FROM python:3.11-slim
ENV PATH=/opt/venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 MALLOC_ARENA_MAX=2
# /data is where volumes are mounted; a new volume takes its owner from here.
RUN useradd --uid 10001 --user-group --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin textback \
    && install --directory --owner textback --group textback --mode 0700 /data
WORKDIR /app
COPY --from=build /opt/venv /opt/venv
COPY --from=build /app /app
USER 10001:10001
CMD ["textback", "--help"]
