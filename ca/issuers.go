package ca

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"

	"github.com/siegel-pki/siegel/internal/tlog"
	"github.com/siegel-pki/siegel/profiles"
)

// This file keeps the configuration and the database of one mind about issuers. Cards name their issuers, serial numbers are unique for
// each name, and an answer holds the issuers' certificates: a name must stand for one certificate as long as the database lives. So the
// database keeps the certificates, and answers are made of those. A configuration that says otherwise ends the start.

// knownIssuers are the issuers of the database as far as they were read. What was read stays true; another server may add more.
type knownIssuers struct {
	mu     sync.Mutex
	byName map[string]KnownIssuer
}

// CardIssuers gives the issuers of a card's certificates and those above them, each once, level by level: a sub-CA stands before the
// root above it. They are those that the database knows, so that the same card always has the same.
func (a *Authority) CardIssuers(ctx context.Context, card *Card) ([]KnownIssuer, error) {
	if list, err := a.known.chains(card); err == nil {
		return list, nil
	}
	if _, err := a.readIssuers(ctx); err != nil {
		return nil, err
	}
	return a.known.chains(card)
}

// chains follows the issuers of a card up to their roots.
func (k *knownIssuers) chains(card *Card) ([]KnownIssuer, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	var names []string
	for i := range card.Certs {
		names = append(names, card.Certs[i].Issuer)
	}
	var list []KnownIssuer
	seen := map[string]bool{}
	for len(names) > 0 {
		var above []string
		for _, name := range names {
			if seen[name] {
				continue
			}
			seen[name] = true
			iss, ok := k.byName[name]
			if !ok {
				return nil, fmt.Errorf("issuer %q of a card is not in the database", name)
			}
			list = append(list, iss)
			above = append(above, iss.IssuedBy)
		}
		names = above
	}
	return list, nil
}

// readIssuers reads what the database knows.
func (a *Authority) readIssuers(ctx context.Context) (map[string]KnownIssuer, error) {
	list, err := a.store.Issuers(ctx)
	if err != nil {
		return nil, storeFailure("read the issuers of the database", err)
	}
	byName := map[string]KnownIssuer{}
	for _, iss := range list {
		byName[iss.Name] = iss
	}
	a.known.mu.Lock()
	defer a.known.mu.Unlock()
	a.known.byName = byName
	return byName, nil
}

// checkKnown refuses a configuration that is at odds with what the database knows, and says what an operator must do about it.
func (a *Authority) checkKnown(known map[string]KnownIssuer) error {
	var errs []error
	names := map[string]string{} // by certificate
	for _, iss := range known {
		names[string(iss.Certificate)] = iss.Name
	}
	configured := map[string]bool{}
	for _, public := range a.public {
		configured[public.Name] = true
		if err := differs(public, known, names[string(public.Raw())]); err != nil {
			errs = append(errs, fmt.Errorf("issuer %q: %w", public.Name, err))
		}
	}
	for _, name := range inUse(known) {
		if !configured[name] {
			errs = append(errs, fmt.Errorf("issuer %q: cards of this database depend on it and the configuration lacks it: "+
				"put it back; without profiles it signs no more", name))
		}
	}
	if len(errs) > 0 {
		return fmt.Errorf("the configured issuers are not those of the database: %w", errors.Join(errs...))
	}
	return nil
}

// differs compares a configured issuer with the known one of its name, and with the name under which its certificate is known.
func differs(public *profiles.Issuer, known map[string]KnownIssuer, otherName string) error {
	was, ok := known[public.Name]
	switch {
	case ok && string(was.Certificate) != string(public.Raw()):
		return fmt.Errorf("%w: the database knows the name with the certificate of SHA-256 %s, the configuration has %s: "+
			"give a new issuer a name of its own, or open the database that belongs to this hierarchy",
			ErrIssuerDiffers, hash(was.Certificate), hash(public.Raw()))
	case ok && (was.Kind != public.Kind || was.IssuedBy != public.IssuedBy):
		return fmt.Errorf("%w: the database knows a %s below %q, the configuration says %s below %q: put back what it was",
			ErrIssuerDiffers, was.Kind, was.IssuedBy, public.Kind, public.IssuedBy)
	case !ok && otherName != "":
		return fmt.Errorf("%w: the database knows its certificate by the name %q: give it that name again", ErrIssuerDiffers, otherName)
	}
	return nil
}

// inUse lists the issuers for which drafts are recorded, and those above them, in alphabetical order.
func inUse(known map[string]KnownIssuer) []string {
	names := map[string]bool{}
	for _, iss := range known {
		for iss.Used && !names[iss.Name] {
			names[iss.Name] = true
			iss = known[iss.IssuedBy]
			iss.Used = true
		}
	}
	return slices.Sorted(maps.Keys(names))
}

// addIssuers makes the configured issuers known, those above before those below.
func (a *Authority) addIssuers(ctx context.Context, known map[string]KnownIssuer) error {
	configured := map[string]*profiles.Issuer{}
	for _, public := range a.public {
		configured[public.Name] = public
	}
	done := map[string]bool{}
	for name := range known {
		done[name] = true
	}
	var add func(public *profiles.Issuer) error
	add = func(public *profiles.Issuer) error {
		if done[public.Name] {
			return nil
		}
		done[public.Name] = true
		if err := add(configured[public.IssuedBy]); err != nil {
			return err
		}
		return a.addIssuer(ctx, public)
	}
	for _, public := range a.public {
		if err := add(public); err != nil {
			return err
		}
	}
	return nil
}

func (a *Authority) addIssuer(ctx context.Context, public *profiles.Issuer) error {
	facts := tlog.IssuerAddedFacts{
		Name: public.Name, Kind: string(public.Kind), CertificateSHA256: hash(public.Raw()), IssuedBy: public.IssuedBy,
	}
	entry, err := tlog.NewEntry(tlog.IssuerAdded, a.now(), systemActor, facts, nil)
	if err != nil {
		return err
	}
	iss := &KnownIssuer{Name: public.Name, Kind: public.Kind, IssuedBy: public.IssuedBy, Certificate: public.Raw()}
	err = a.store.AddIssuer(ctx, iss, entry)
	if errors.Is(err, ErrIssuerDiffers) { // another server was faster
		return fmt.Errorf("add issuer %q: %w", public.Name, err)
	}
	if err != nil {
		return storeFailure(fmt.Sprintf("add issuer %q", public.Name), err)
	}
	return nil
}
