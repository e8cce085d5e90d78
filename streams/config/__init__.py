"""`hotswap.toml`: its models, where secrets come from, and how it is read."""

from streams.config.gate import GateConfig
from streams.config.lanes import LaneConfig, OllamaConfig, OpenAIConfig
from streams.config.secrets import SecretRef
from streams.config.serve import BreakerConfig, ServeConfig, ShadowConfig
from streams.config.settings import (
    ConnectConfig,
    KafkaConfig,
    LimitsConfig,
    MilvusConfig,
    Settings,
    SourceConfig,
    TopicsConfig,
)

__all__ = [
    "BreakerConfig",
    "ConnectConfig",
    "GateConfig",
    "KafkaConfig",
    "LaneConfig",
    "LimitsConfig",
    "MilvusConfig",
    "OllamaConfig",
    "OpenAIConfig",
    "SecretRef",
    "ServeConfig",
    "Settings",
    "ShadowConfig",
    "SourceConfig",
    "TopicsConfig",
]
