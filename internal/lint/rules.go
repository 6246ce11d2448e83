package lint

import "slices"

// Rule describes one rule for documents: what it wants of which certificates, and where that comes from.
type Rule struct {
	Name     string
	Kind     Kind // the kind of certificates whose table the rule applies; "" for a rule that no table fills
	CVC      bool // a rule on CV certificates
	Card     bool // a rule on all drafts of a card together
	Level    Level
	Citation string
	Text     string
}

// Rules lists the rules of this package, in the order in which they are applied. A rule that compares a draft with the table of its
// kind is listed once for each kind, with the citation of the table. The rules of zlint are not among them: see ZLintRules.
func Rules() []Rule {
	var list []Rule
	for _, r := range x509Rules {
		if r.citation != byTable {
			list = append(list, Rule{Name: r.name, Level: r.level, Citation: r.citation, Text: r.text})
			continue
		}
		for _, k := range Kinds() {
			list = append(list, Rule{Name: r.name, Kind: k, Level: r.level, Citation: kinds[k].source, Text: r.text})
		}
	}
	for _, r := range cvcRules {
		list = append(list, Rule{Name: r.name, CVC: true, Level: r.level, Citation: r.citation, Text: r.text})
	}
	for _, r := range g1Rules {
		list = append(list, Rule{Name: r.name, CVC: true, Level: r.level, Citation: r.citation, Text: r.text})
	}
	for _, r := range cvcIssuerRules {
		list = append(list, Rule{Name: r.name, CVC: true, Level: r.level, Citation: r.citation, Text: r.text})
	}
	for _, r := range g1IssuerRules {
		list = append(list, Rule{Name: r.name, CVC: true, Level: r.level, Citation: r.citation, Text: r.text})
	}
	for _, r := range cardRules {
		list = append(list, Rule{Name: r.name, Card: true, Level: r.level, Citation: r.citation, Text: r.text})
	}
	return list
}

// Kinds lists the kinds of X.509 certificates that lint knows, sorted.
func Kinds() []Kind {
	var list []Kind
	for k := range kinds {
		list = append(list, k)
	}
	slices.Sort(list)
	return list
}
