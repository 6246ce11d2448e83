package ca

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"

	"github.com/siegel-pki/siegel/profiles"
)

// This file is about acts that stay in force: their used approval is itself the record, and every server reads it. Two people bring an issuer in,
// take one out, or grant an exception to the algorithm policy.

// The acts.
const (
	ImportIssuer         ActKind = "import-issuer"          // servers in environment production may start with it
	RetireIssuer         ActKind = "retire-issuer"          // its key signs for cards no more, for ever
	GrantLegacyException ActKind = "grant-legacy-exception" // that the configuration names, in environment production
)

// IssuerImport are the parameters of ImportIssuer.
type IssuerImport struct {
	Issuer            string `json:"issuer"`
	CertificateSHA256 string `json:"certificate_sha256"` // lower-case hex; as in tlog.IssuerFacts
}

// IssuerRetirement are the parameters of RetireIssuer.
type IssuerRetirement struct {
	Issuer string `json:"issuer"`
}

// LegacyGrant are the parameters of GrantLegacyException.
type LegacyGrant struct {
	Exception string `json:"exception"`
}

func (a *Authority) importIssuer() act {
	return newAct(ImportIssuer, []Role{RoleCAOperator}, []Role{RoleCAOperator}, a.checkImport, stays[IssuerImport](a))
}

func (a *Authority) retireIssuer() act {
	return newAct(RetireIssuer, []Role{RoleCAOperator}, []Role{RoleCAOperator}, a.checkRetirement, stays[IssuerRetirement](a))
}

func (a *Authority) grantLegacyException() act {
	return newAct(GrantLegacyException, []Role{RoleCAOperator}, []Role{RoleSecurityOfficer}, a.checkGrant, stays[LegacyGrant](a))
}

// stays does an act whose approval is the record: it is used up, and this server follows at once.
func stays[P any](a *Authority) func(context.Context, *Approval, *P, *ApprovalUse) error {
	return func(ctx context.Context, _ *Approval, _ *P, use *ApprovalUse) error {
		err := a.store.UseApproval(ctx, use)
		if errors.Is(err, ErrNotApproved) {
			return err
		}
		if err != nil {
			return storeFailure("use the approval", err)
		}
		return a.readRules(ctx)
	}
}

// RequestImport asks for ImportIssuer. Errors are those of Approve, or *profiles.Refusal.
func (a *Authority) RequestImport(ctx context.Context, who Actor, id ApprovalID, p IssuerImport, reason string) (*Approval, error) {
	return a.request(ctx, who, id, ImportIssuer, p, reason)
}

// RequestRetirement asks for RetireIssuer. Errors are those of Approve, or *profiles.Refusal.
func (a *Authority) RequestRetirement(ctx context.Context, who Actor, id ApprovalID, p IssuerRetirement, reason string) (*Approval, error) {
	return a.request(ctx, who, id, RetireIssuer, p, reason)
}

// RequestGrant asks for GrantLegacyException. Errors are those of Approve, or *profiles.Refusal.
func (a *Authority) RequestGrant(ctx context.Context, who Actor, id ApprovalID, p LegacyGrant, reason string) (*Approval, error) {
	return a.request(ctx, who, id, GrantLegacyException, p, reason)
}

// refuseAct refuses an act for one reason.
func refuseAct(field, rule, citation, format string, args ...any) error {
	return &profiles.Refusal{Violations: []profiles.Violation{{Field: field, Rule: rule, Citation: citation, Message: fmt.Sprintf(format, args...)}}}
}

func (a *Authority) checkImport(ctx context.Context, p *IssuerImport) (string, error) {
	if octets, err := hex.DecodeString(p.CertificateSHA256); err != nil || len(octets) != 32 {
		return "", refuseAct("certificate_sha256", "SHAPE", "siegel.v1.ImportIssuerRequest", "want 64 hex digits")
	}
	known, err := a.readIssuers(ctx)
	if err != nil {
		return "", err
	}
	for _, iss := range known {
		if iss.Name == p.Issuer || hash(iss.Certificate) == p.CertificateSHA256 {
			return "", refuseAct("issuer", "KNOWN_ISSUER", "siegel.v1.ImportIssuerRequest",
				"the database knows issuer %q with the certificate of SHA-256 %s already", iss.Name, hash(iss.Certificate))
		}
	}
	return fmt.Sprintf("let servers start with issuer %s, whose certificate has the SHA-256 %s", p.Issuer, p.CertificateSHA256), nil
}

func (a *Authority) checkRetirement(_ context.Context, p *IssuerRetirement) (string, error) {
	switch {
	case a.issuers[p.Issuer] == nil:
		return "", refuseAct("issuer", "UNKNOWN_ISSUER", "siegel.v1.RetireIssuerRequest", "this server has no key of an issuer %q that signs", p.Issuer)
	case a.rules.Load().retired[p.Issuer]:
		return "", refuseAct("issuer", "RETIRED", "siegel.v1.RetireIssuerRequest", "issuer %q is retired already", p.Issuer)
	}
	return fmt.Sprintf("retire issuer %s: its key signs for cards no more, for ever", p.Issuer), nil
}

func (a *Authority) checkGrant(_ context.Context, p *LegacyGrant) (string, error) {
	if err := a.profiles.Policy().CheckExceptions([]string{p.Exception}); err != nil {
		return "", refuseAct("exception", "UNKNOWN_EXCEPTION", "profiles/algorithms.yaml", "%v", err)
	}
	return fmt.Sprintf("grant exception %s to the algorithm policy, where the configuration names it too", p.Exception), nil
}

// rules are what approved acts make of the configuration. They are never changed, only replaced.
type rules struct {
	imported   []IssuerImport
	retired    map[string]bool
	issuers    []*profiles.Issuer // for the planner: as configured, the retired ones without profiles
	exceptions []string           // to the algorithm policy, that are in force
}

// readRules reads the acts that are in force.
func (a *Authority) readRules(ctx context.Context) error {
	acts, err := a.store.UsedApprovals(ctx, []ActKind{ImportIssuer, RetireIssuer, GrantLegacyException})
	if err != nil {
		return storeFailure("read the acts in force", err)
	}
	r, err := a.newRules(acts)
	if err != nil {
		return err
	}
	a.rules.Store(r)
	return nil
}

// newRules makes the rules of some acts.
func (a *Authority) newRules(acts []Approval) (*rules, error) {
	r := &rules{retired: map[string]bool{}}
	granted := map[string]bool{}
	for i := range acts {
		if err := r.take(&acts[i], granted); err != nil {
			return nil, fmt.Errorf("read the approved act %s: %w", acts[i].ID, err)
		}
	}
	for _, public := range a.public {
		if public.RetiredAt(a.now()) { // by a ceremony, in the configuration
			r.retired[public.Name] = true
		}
		if r.retired[public.Name] {
			shown := *public
			shown.Profiles = nil
			public = &shown
		}
		r.issuers = append(r.issuers, public)
	}
	for _, name := range a.config.LegacyExceptions {
		if granted[name] || a.config.Environment == profiles.Test {
			r.exceptions = append(r.exceptions, name)
		}
	}
	return r, nil
}

// take enters one act.
func (r *rules) take(approval *Approval, granted map[string]bool) error {
	switch approval.Act {
	case ImportIssuer:
		p, err := readParameters[IssuerImport](approval.Parameters)
		if err != nil {
			return err
		}
		r.imported = append(r.imported, *p)
	case RetireIssuer:
		p, err := readParameters[IssuerRetirement](approval.Parameters)
		if err != nil {
			return err
		}
		r.retired[p.Issuer] = true
	case GrantLegacyException:
		p, err := readParameters[LegacyGrant](approval.Parameters)
		if err != nil {
			return err
		}
		granted[p.Exception] = true
	}
	return nil
}

// checkImported wants, in environment production, an approved act for every issuer that the database does not know yet. A database that knows
// none takes the hierarchy as its ceremony has left it.
func (a *Authority) checkImported(known map[string]KnownIssuer) error {
	if a.config.Environment != profiles.Production || len(known) == 0 {
		return nil
	}
	var errs []error
	for _, public := range a.public {
		_, isKnown := known[public.Name]
		if isKnown || slices.Contains(a.rules.Load().imported, IssuerImport{public.Name, hash(public.Raw())}) {
			continue
		}
		errs = append(errs, fmt.Errorf("issuer %q is new, and no two people have approved it: take it out of the hierarchy, start, and ask for it with: "+
			"siegel issuer import %q --sha256 %s --reason TEXT", public.Name, public.Name, hash(public.Raw())))
	}
	return errors.Join(errs...)
}

// warnUngranted says which exceptions of the configuration are not in force.
func (a *Authority) warnUngranted() {
	for _, name := range a.config.LegacyExceptions {
		if !slices.Contains(a.rules.Load().exceptions, name) {
			a.config.Log.Warn("an exception to the algorithm policy is not in force: no two people have granted it; ask for it with siegel policy grant",
				"exception", name)
		}
	}
}
