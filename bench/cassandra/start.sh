#!/usr/bin/env bash
# A real Cassandra for tests, from the jars of Maven Central; the first run fetches 66 MB into target/cassandra/lib.
# Usage: bench/cassandra/start.sh fetch         the jars alone
#        bench/cassandra/start.sh run DIR PORT  becomes the server: data in DIR, CQL on 127.0.0.1:PORT, PORT+1 and PORT+2 taken too
# Exit status 3: it cannot run here, and the last line says why. Nothing has been tested then.
set -euo pipefail
cd "$(dirname "$0")"
readonly CACHE=${STOA_CASSANDRA_CACHE:-$PWD/../../target/cassandra}

cannot() {
    echo "$1"
    exit 3
}

fetch() {
    command -v java > /dev/null || cannot "java is missing (Debian: openjdk-17-jre-headless)"
    local version
    version=$(java -version 2>&1 | sed -n 's/.*version "\([0-9]*\).*/\1/p')
    [ "$version" = 17 ] || [ "$version" = 11 ] || cannot "java is ${version:-unknown}; Cassandra 5.0 runs on 11 or 17"
    [ -f "$CACHE/lib/.complete" ] && return
    command -v mvn > /dev/null || cannot "mvn is missing (Debian: maven)"
    mkdir -p "$CACHE"
    # A copy, because Maven writes beside its pom.xml.
    cp pom.xml "$CACHE/pom.xml"
    timeout 600 mvn -q -B -f "$CACHE/pom.xml" dependency:copy-dependencies \
        -DoutputDirectory="$CACHE/lib" > "$CACHE/fetch.log" 2>&1 ||
        cannot "the Maven repository cannot be reached, see $CACHE/fetch.log"
    touch "$CACHE/lib/.complete"
}

fetch
[ "${1:-}" = run ] || exit 0
dir=$(realpath "$2") port=$3
mkdir -p "$dir/conf" "$dir/data"
for file in cassandra.yaml jvm.options logback.xml; do
    sed -e "s|@DIR@|$dir|g" -e "s|@PORT@|$port|g" -e "s|@STORAGE_PORT@|$((port + 1))|g" \
        -e "s|@JMX_PORT@|$((port + 2))|g" "$file" > "$dir/conf/$file"
done
cd "$dir"
exec java @"$dir/conf/jvm.options" -cp "$dir/conf:$(realpath "$CACHE")/lib/*" \
    org.apache.cassandra.service.CassandraDaemon
