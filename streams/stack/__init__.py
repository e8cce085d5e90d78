"""The embedded stack: real Kafka, Connect, Postgres, Milvus and embedders without Docker."""
