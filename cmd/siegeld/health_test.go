package main

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/siegel-pki/siegel/ca"
	"github.com/siegel-pki/siegel/internal/store/sqlite"
)

type fakeKeys struct{ err error }

func (k fakeKeys) Ready() error { return k.err }

type fakeStore struct{ err error }

func (s fakeStore) Cards(context.Context, int64, int) ([]ca.CardSummary, error) { return nil, s.err }

// TestReadiness needs all parts.
func TestReadiness(t *testing.T) {
	tests := []struct {
		name string
		r    readiness
		want string // part of the error; empty: ready
	}{
		{"all there", readiness{fakeKeys{}, fakeStore{}}, ""},
		{"no key session", readiness{fakeKeys{errors.New("no key session is open")}, fakeStore{}}, "no key session is open"},
		{"no database", readiness{fakeKeys{}, fakeStore{errors.New("disk I/O error")}}, "ask the database: disk I/O error"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			err := tt.r.ready(context.Background())
			if (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
				t.Errorf("ready = %v, want %q", err, tt.want)
			}
		})
	}
}

// TestReadinessOfARealDatabase closes it under the question.
func TestReadinessOfARealDatabase(t *testing.T) {
	store, err := sqlite.Open(context.Background(), t.TempDir()+"/siegel.db")
	if err != nil {
		t.Fatal(err)
	}
	r := readiness{fakeKeys{}, store}
	if err := r.ready(context.Background()); err != nil {
		t.Errorf("with an open database: %v", err)
	}
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
	if err := r.ready(context.Background()); err == nil {
		t.Error("a closed database is ready")
	}
}
