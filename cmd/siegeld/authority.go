package main

import (
	"crypto"
	"log/slog"
	"time"

	"github.com/siegel-pki/siegel/ca"
	"github.com/siegel-pki/siegel/profiles"
)

// authorityConfig is what the authority is made of: files, the database and the issuers with their keys.
func authorityConfig(cfg config, in *inputs, store ca.Store, keyed []ca.Issuer, log *slog.Logger) ca.Config {
	return ca.Config{
		Store: store, Profiles: in.profiles, Issuers: keyed,
		Environment: profiles.Environment(cfg.Environment), TSPID: in.hierarchy.TSPID, LegacyExceptions: cfg.LegacyExceptions,
		KeySession:   ca.SessionBounds{Signatures: cfg.KeySession.Signatures, Lifetime: cfg.KeySession.Lifetime},
		OpensAlone:   cfg.KeySession.OpenedBy == openedByServer,
		Standing:     standing(cfg),
		ApprovalTime: cfg.ApprovalTime, ConfigHash: in.hash, OperatorsHash: in.operatorsHash[:], Now: time.Now, Log: log,
	}
}

// standing is what keys sign without a key session that two people opened.
func standing(cfg config) (s ca.Standing) {
	for _, purpose := range cfg.StandingSessions {
		s = append(s, ca.Purpose(purpose))
	}
	return s
}

// rehearse makes the authority on paper, to hear what is wrong before token and database are opened, or without them. It finds all that
// ca.New finds but a key in the token that is not the key of its certificate.
func rehearse(cfg config, in *inputs) error {
	onPaper := make([]ca.Issuer, len(in.hierarchy.Issuers))
	for i := range in.hierarchy.Issuers {
		public := &in.hierarchy.Issuers[i].Issuer
		onPaper[i] = ca.Issuer{Issuer: public, Key: paperKey{public: public.PublicKey()}}
	}
	_, err := ca.New(authorityConfig(cfg, in, paperStore{}, onPaper, slog.New(slog.DiscardHandler)))
	return wrongConfig(err)
}

// paperKey is a key that can only be looked at, which is all that ca.New does with it.
type paperKey struct {
	ca.Key // nil: it cannot sign
	public crypto.PublicKey
}

func (k paperKey) Public() crypto.PublicKey { return k.public }

// paperStore is a database that is not there: ca.New reads none.
type paperStore struct{ ca.Store }
