package ceremony

import (
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/siegel-pki/siegel/internal/strictyaml"
	"github.com/siegel-pki/siegel/profiles"
)

// checker is the work on one file. It collects what is wrong and goes on.
type checker struct {
	file  *File
	set   *profiles.Set
	lines strictyaml.Lines
	keys  map[string]string // places of the keys by token and id, and by token and label
	names map[string]string // places of the names of issuers, roots, anchors and signers
	errs  []error
}

// fault notes what is wrong with the value of a key, given by its path.
func (c *checker) fault(path, format string, args ...any) {
	at := c.lines.At(path)
	if at == "" { // the key is missing: its mapping has a place
		at = c.lines.At(path[:max(strings.LastIndexByte(path, '.'), 0)])
	}
	if at == "" {
		at = c.file.path + ": "
	}
	c.errs = append(c.errs, fmt.Errorf("%s%s: %s", at, path, fmt.Sprintf(format, args...)))
}

var twoDigits = regexp.MustCompile(`^[0-9]{2}$`)

func (c *checker) check() {
	f := c.file
	if f.Title == "" {
		c.fault("title", "is missing: it heads the record")
	}
	if f.Environment != profiles.Test && f.Environment != profiles.Production {
		c.fault("environment", "%q is neither test nor production", f.Environment)
	}
	if f.TSPID != "" && !twoDigits.MatchString(f.TSPID) {
		c.fault("tsp_id", "%q is not two digits (gemSpec_PKI, Tab_PKI_109)", f.TSPID)
	}
	if (f.TSPID == "") != (f.Log == nil) {
		c.fault("tsp_id", "the first list of issuers needs tsp_id and log; later ones have neither")
	}
	c.checkParticipants()
	c.checkTokens()
	c.checkParts()
	for i := range f.Roots {
		c.checkRoot(fmt.Sprintf("roots[%d]", i), &f.Roots[i])
	}
	for i := range f.Anchors {
		c.checkAnchor(fmt.Sprintf("anchors[%d]", i), &f.Anchors[i])
	}
	for i := range f.Issuers {
		c.checkIssuer(fmt.Sprintf("issuers[%d]", i), &f.Issuers[i])
	}
	if f.Log != nil {
		c.checkLog(f.Log)
	}
	c.checkEnds()
}

// checkParts looks at what stands together in the file.
func (c *checker) checkParts() {
	f := c.file
	issuers := len(f.Issuers) + len(f.Retire) + len(f.Destroy)
	switch {
	case len(f.Roots) > 0 && f.Environment != profiles.Test:
		c.fault("roots", "only environment test has roots of its own: the others are the operator's of the root")
	case len(f.Roots) > 0 && (issuers > 0 || len(f.Anchors) > 0 || f.Log != nil):
		c.fault("roots", "a ceremony of roots creates nothing else: their keys belong in a token of their own")
	case len(f.Roots) == 0 && issuers == 0:
		c.fault("issuers", "the file creates, retires and destroys nothing")
	case f.Log != nil && len(f.Issuers) == 0:
		c.fault("log", "the log's key comes with the first issuers")
	}
}

func (c *checker) checkParticipants() {
	seen := map[string]bool{}
	count := map[string]int{}
	for i, p := range c.file.Participants {
		at := fmt.Sprintf("participants[%d]", i)
		switch {
		case p.Name == "":
			c.fault(at+".name", "is missing")
		case seen[p.Name]:
			c.fault(at+".name", "%s appears a second time: nobody has two roles in a ceremony", p.Name)
		case !slices.Contains(roles, p.Role):
			c.fault(at+".role", "%q is none of %s", p.Role, strings.Join(roles, ", "))
		}
		seen[p.Name] = true
		count[p.Role]++
	}
	if count[roleCAOperator] < 2 {
		c.fault("participants", "there are %d ca-operators, and it takes two to create or destroy an issuer's key (GS-A_4290, GS-A_4294)", count[roleCAOperator])
	}
	if count[roleSecurityOfficer]+count[roleWitness] == 0 {
		c.fault("participants", "nobody is security-officer or witness, who sign the record (ETSI EN 319 411-1, GEN-6.5.1-13)")
	}
}

func (c *checker) checkTokens() {
	if len(c.file.Tokens) == 0 {
		c.fault("tokens", "there is none")
	}
	seen := map[string]bool{}
	for i, t := range c.file.Tokens {
		at := fmt.Sprintf("tokens[%d]", i)
		if t.Name == "" || seen[t.Name] {
			c.fault(at+".name", "%q is missing or appears a second time", t.Name)
		}
		seen[t.Name] = true
		switch {
		case !strings.HasPrefix(t.URI, "pkcs11:") || !strings.Contains(t.URI, "module-path="):
			c.fault(at+".uri", "want a pkcs11: URI with module-path (RFC 7512)")
		case strings.Contains(t.URI, "pin-"): // pin-value, pin-source
			c.fault(at+".uri", "says something about the PIN; that is for the key pin to say")
		}
		if path, isFile := strings.CutPrefix(t.PIN, "file:"); t.PIN != PINPrompt && t.PIN != PINShares && (!isFile || path == "") {
			c.fault(at+".pin", "it is none of prompt, shares, file:PATH; a PIN itself does not belong here")
		}
	}
}

func (c *checker) checkRoot(at string, r *Root) {
	c.checkName(at+".name", r.Name)
	c.checkKey(at+".key", &r.Key)
	switch r.Kind {
	case profiles.RootCA:
		c.checkX509Name(at, r.Kind, r.Name)
		c.need(at+".organization", r.Organization)
		c.checkURL(at+".ocsp_url", r.OCSPURL, true)
	case profiles.CVCRootCA:
		c.unwanted(at+".organization", r.Organization, "a CVC root")
		c.unwanted(at+".ocsp_url", r.OCSPURL, "a CVC root")
		c.checkReference(at, r.Name, r.Kind, &r.Key)
	default:
		c.fault(at+".kind", "%q is neither root-ca nor cvc-root-ca", r.Kind)
	}
}

func (c *checker) checkAnchor(at string, a *Anchor) {
	c.checkName(at+".name", a.Name)
	if a.Kind != profiles.RootCA && a.Kind != profiles.CVCRootCA {
		c.fault(at+".kind", "%q is neither root-ca nor cvc-root-ca", a.Kind)
		return
	}
	if err := a.load(c.file); err != nil {
		c.fault(at+".certificate", "%v", err)
		return
	}
	if err := a.issuer.CheckEnvironment(c.file.Environment); err != nil {
		c.fault(at+".certificate", "%v", err)
	}
}

func (c *checker) checkLog(l *Log) {
	c.need("log.name", l.Name)
	c.checkKey("log.key", &l.Key)
	if l.Key.Type.String() != "Ed25519" {
		c.fault("log.key.type", "is %s, and signed notes want Ed25519", l.Key.Type)
	}
}

// checkEnds looks at what ends issuers and keys.
func (c *checker) checkEnds() {
	retired := map[string]bool{}
	for i, r := range c.file.Retire {
		at := fmt.Sprintf("retire[%d]", i)
		c.need(at+".issuer", r.Issuer)
		c.need(at+".reason", r.Reason)
		if retired[r.Issuer] {
			c.fault(at+".issuer", "%s appears a second time", r.Issuer)
		}
		retired[r.Issuer] = true
	}
	for i, d := range c.file.Destroy {
		at := fmt.Sprintf("destroy[%d]", i)
		c.need(at+".issuer", d.Issuer)
		c.need(at+".label", d.Label)
		c.need(at+".backups", d.Backups)
		c.checkToken(at+".token", d.Token)
		if retired[d.Issuer] {
			c.fault(at+".issuer", "%s is retired in this file: a server that has not read the list since would still sign with the key", d.Issuer)
		}
		if _, created := c.names[d.Issuer]; created {
			c.fault(at+".issuer", "%s is created in this file", d.Issuer)
		}
	}
}

// need wants a value.
func (c *checker) need(path, value string) {
	if value == "" {
		c.fault(path, "is missing")
	}
}

// unwanted refuses a value where it has no place.
func (c *checker) unwanted(path, value, where string) {
	if value != "" {
		c.fault(path, "has no place in %s", where)
	}
}

// checkName wants a name that no other issuer, root, anchor or signer of the file has. It is the name of a file too.
func (c *checker) checkName(path, name string) {
	switch first, taken := c.names[name]; {
	case name == "" || strings.ContainsAny(name, "/\\ \x00") || strings.HasPrefix(name, "."):
		c.fault(path, "%q cannot be the name of an issuer and its file", name)
	case taken:
		c.fault(path, "%s is the name of %s already", name, first)
	}
	c.names[name] = path
}

// checkURL wants an http address, as certificates have it.
func (c *checker) checkURL(path, text string, needed bool) {
	if text == "" {
		if needed {
			c.fault(path, "is missing")
		}
		return
	}
	if u, err := url.Parse(text); err != nil || u.Scheme != "http" || u.Host == "" {
		c.fault(path, "%q is not an address that begins with http://", text)
	}
}
