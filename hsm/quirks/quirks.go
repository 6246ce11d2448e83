// Package quirks says what tokens of different makers do differently from the standard, one file per family. Each fact says whether it
// was tried here or is taken from documentation.
//
// A fact with a quirk changes what the program does; one without is for the people who choose and run a token.
package quirks

import (
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"

	"github.com/siegel-pki/siegel/internal/strictyaml"
)

// Generic is the family of a token that no other one claims: it keeps to the standard.
const Generic = "generic"

// The quirks that this program knows.
const (
	// DERSignatures: C_Sign answers an ECDSA signature as a DER SEQUENCE of r and s, not as r||s (PKCS #11 v3.1, Section 6.3.1).
	DERSignatures = "der_signatures"
	// NoLocal: CKA_LOCAL is not true for a key that the token made, so that it is not asked for.
	NoLocal = "no_local"
	// OneSession: the module is given one call at a time. It is kept for a module that stands before a token of another family, too.
	OneSession = "one_session"
	// SessionLimit: the codes say, besides CKR_SESSION_COUNT, that C_OpenSession has no session left.
	SessionLimit = "session_limit"
)

// Family is what one maker's tokens do.
type Family struct {
	Name    string `yaml:"family"`
	Product string `yaml:"product"`
	// Manufacturers are beginnings of CK_TOKEN_INFO.manufacturerID or CK_INFO.manufacturerID by which a token of the family is told.
	Manufacturers []string `yaml:"manufacturers"`
	Facts         []Fact   `yaml:"facts"`
}

// Fact is something that is known of a family.
type Fact struct {
	Quirk      string   `yaml:"quirk"` // one of the constants, or empty
	Codes      []string `yaml:"codes"` // with SessionLimit: return values, "CKR_…"
	Text       string   `yaml:"text"`
	Tried      string   `yaml:"tried"`      // with what it was tried here
	Documented string   `yaml:"documented"` // where it is written
}

//go:embed *.yaml
var files embed.FS

// Builtin gives the families that the program brings along, by name.
func Builtin() (map[string]*Family, error) { return load(files) }

// Load reads one family from a file of an operator's own.
func Load(path string) (*Family, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	f := new(Family)
	if _, err := strictyaml.Decode(path, text, f); err != nil {
		return nil, err
	}
	return f, f.check(path)
}

// load reads the families of a directory and reports everything that is wrong with them.
func load(dir fs.FS) (map[string]*Family, error) {
	names, err := fs.Glob(dir, "*.yaml")
	if err != nil {
		return nil, err
	}
	families := map[string]*Family{}
	claimed := map[string]string{}
	var errs []error
	for _, name := range names {
		text, err := fs.ReadFile(dir, name)
		if err != nil {
			return nil, err
		}
		f := new(Family)
		if _, err := strictyaml.Decode(name, text, f); err != nil {
			errs = append(errs, err)
			continue
		}
		if f.Name != strings.TrimSuffix(path.Base(name), ".yaml") {
			errs = append(errs, fmt.Errorf("%s: family %q is not the name of the file", name, f.Name))
		}
		for _, m := range f.Manufacturers {
			if claimed[m] != "" {
				errs = append(errs, fmt.Errorf("%s: manufacturer %q belongs to %s too", name, m, claimed[m]))
			}
			claimed[m] = f.Name
		}
		errs = append(errs, f.check(name))
		families[f.Name] = f
	}
	if families[Generic] == nil {
		errs = append(errs, fmt.Errorf("there is no family %s", Generic))
	}
	return families, errors.Join(errs...)
}

// check looks at the facts of a family.
func (f *Family) check(file string) error {
	var errs []error
	fault := func(i int, format string, args ...any) {
		errs = append(errs, fmt.Errorf("%s: fact %d: %s", file, i+1, fmt.Sprintf(format, args...)))
	}
	if f.Product == "" {
		errs = append(errs, fmt.Errorf("%s: product is missing", file))
	}
	for i, fact := range f.Facts {
		if fact.Text == "" {
			fault(i, "text is missing")
		}
		if (fact.Tried == "") == (fact.Documented == "") {
			fault(i, "it was either tried here or documented elsewhere")
		}
		if fact.Quirk != "" && !slices.Contains([]string{DERSignatures, NoLocal, OneSession, SessionLimit}, fact.Quirk) {
			fault(i, "quirk %q is not known", fact.Quirk)
		}
		if (fact.Quirk == SessionLimit) != (len(fact.Codes) > 0) {
			fault(i, "codes go with %s", SessionLimit)
		}
	}
	return errors.Join(errs...)
}

// Has tells whether the family has a quirk.
func (f *Family) Has(quirk string) bool {
	return slices.ContainsFunc(f.Facts, func(fact Fact) bool { return fact.Quirk == quirk })
}

// Codes gives the return values of SessionLimit.
func (f *Family) Codes() []string {
	var codes []string
	for _, fact := range f.Facts {
		codes = append(codes, fact.Codes...)
	}
	return codes
}

// Of finds the family of a token by the manufacturer of the token or else of its module, which may stand between.
func Of(families map[string]*Family, token, module string) *Family {
	for _, manufacturer := range []string{token, module} {
		for _, f := range families {
			for _, m := range f.Manufacturers {
				if strings.HasPrefix(manufacturer, m) {
					return f
				}
			}
		}
	}
	return families[Generic]
}
