-- Example tables, made when the database is made. ops/docker/hotswap.toml names them as sources.

CREATE TABLE articles (
    id      integer PRIMARY KEY,
    title   text NOT NULL,
    author  text,
    body    text
);

CREATE TABLE comments (
    article_id  integer,
    number      integer,
    body        text,
    PRIMARY KEY (article_id, number)
);

-- Changes then carry the whole row before them, so that large unchanged columns are known.
ALTER TABLE articles REPLICA IDENTITY FULL;
ALTER TABLE comments REPLICA IDENTITY FULL;
