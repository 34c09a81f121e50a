# The portal without its sandbox: web, worker and beat run from this one image, with different commands.
FROM python:3.11-slim AS dependencies
RUN python -m venv /venv
COPY requirements.txt ./
# A company mirror: docker build --secret id=pip.conf,src=/etc/pip.conf .
RUN --mount=type=secret,id=pip.conf,target=/etc/pip.conf \
    /venv/bin/python -m pip install --no-cache-dir --disable-pip-version-check --require-hashes \
    --only-binary :all: -r requirements.txt

FROM python:3.11-slim
ENV PATH=/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    VAR_DIR=/app/var
# The folders exist with their owner, so that a new volume takes both over.
RUN useradd --system --uid 10001 --user-group --no-create-home countersign \
    && install -d -o countersign -g countersign /app/var /var/lib/countersign
COPY --from=dependencies /venv /venv
WORKDIR /app
COPY . .
# The key is used while building only: without one the settings would make a key and leave it in the image.
RUN export SECRET_KEY=used-while-building-only \
    && python manage.py compile_translations \
    && python manage.py collectstatic --noinput \
    && chown -R countersign:countersign /app/var
USER countersign
EXPOSE 8000
CMD ["gunicorn", "portal.wsgi", "--bind", "0.0.0.0:8000", "--workers", "2", "--threads", "4", "--no-control-socket"]
