"""Hotswap: move the vectors of a live Milvus from one embedding model to another."""
