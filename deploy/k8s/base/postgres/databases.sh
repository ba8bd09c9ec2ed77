#!/bin/sh
# Two databases with an owner each, made once when the server's folder is new: Prefect cannot read MLflow's
# tables, nor MLflow Prefect's, and neither is a superuser. The image runs what lies in /docker-entrypoint-initdb.d.
set -eu

owned_database() {  # name, password: of the role and of the database, which have one name
    psql --quiet --set ON_ERROR_STOP=1 --username "$POSTGRES_USER" --dbname postgres \
        --set name="$1" --set password="$2" <<'SQL'
CREATE ROLE :"name" LOGIN PASSWORD :'password';
CREATE DATABASE :"name" OWNER :"name";
REVOKE CONNECT, TEMPORARY ON DATABASE :"name" FROM PUBLIC;
SQL
}

owned_database prefect "$PREFECT_DB_PASSWORD"
owned_database mlflow "$MLFLOW_DB_PASSWORD"
