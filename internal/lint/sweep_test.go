package lint

import (
	"slices"
	"testing"
)

// The story of this file: every rule that a table fills finds its fault in every kind of certificate, not only in the kind of its
// example.

func TestTableRulesHoldForEveryKind(t *testing.T) {
	faults := map[string]change{
		"SUBJECT_COUNTRY":    func(t *tbsCertificate, _ *X509Context) { t.subject = t.subject[1:] },
		"SUBJECT_ATTRIBUTES": func(t *tbsCertificate, _ *X509Context) { t.subject = append(t.subject, t.subject[0]) },
		"EXTENSION_SET":      adding("1.2.3", "0500"),
		"EXTENSION_CRITICAL": criticality(oidKeyUsage, false),
		"KEY_USAGE":          replace(oidKeyUsage, "03020001"), // encipherOnly
		"BASIC_CONSTRAINTS":  replace(oidBasicConstraints, "30060101ff020101"),
		"POLICY_SET":         replace(oidPolicies, seq(seq(objectID("1.2.3")), seq(objectID("1.2.3")))),
	}
	elsewhere := map[string]func(*content) bool{ // rules that have nothing to say about some kinds
		"SUBJECT_COMMON_NAME":    func(c *content) bool { return c.subject.form == nil },
		"EXTENDED_KEY_USAGE":     func(c *content) bool { return c.purposes == nil },
		"ADMISSION_AUTHORITY":    func(c *content) bool { return c.admission.authority != never },
		"SUBJECT_ALT_NAME_FORMS": func(c *content) bool { return !c.extensions.known(oidSubjectAltName) },
	}
	faults["SUBJECT_COMMON_NAME"] = naming(func(a *attribute) { set(a, cn, "?") })
	faults["EXTENDED_KEY_USAGE"] = replace(oidExtKeyUsage, seq(objectID("1.2.3")))
	faults["ADMISSION_AUTHORITY"] = replace(oidAdmission, seq("a4023000", seq(seq(seq(seq(seq(utf8String("A")), seq(pharmacyOID))))))) // every kind without one is a component or has none
	faults["SUBJECT_ALT_NAME_FORMS"] = func(t *tbsCertificate, c *X509Context) {
		without(oidSubjectAltName)(t, c)
		altNames(seq("820161"))(t, c)
	}
	for _, r := range x509Rules {
		if r.citation == byTable && faults[r.name] == nil {
			t.Errorf("rule %s is filled by tables, and has no fault here", r.name)
		}
	}
	for name := range goods {
		for rule, spoil := range faults {
			draft, c := goodDraft(t, name)
			d, _ := newX509Draft(c)
			silent := elsewhere[rule]
			if silent != nil && silent(d.want) || rule == "ADMISSION_AUTHORITY" && !d.want.extensions.known(oidAdmission) {
				continue
			}
			t.Run(name+"/"+rule, func(t *testing.T) {
				spoil(draft, &c)
				findings := X509(draft.encode(), c)
				i := slices.IndexFunc(findings, func(f Finding) bool { return f.Rule == rule })
				if i < 0 {
					t.Fatalf("got %v, want a finding of %s", findings, rule)
				}
				if findings[i].Citation != d.want.source {
					t.Errorf("citation is %q, want %q", findings[i].Citation, d.want.source)
				}
			})
		}
	}
}
