package postgres_test

func crashIfChild() {}
