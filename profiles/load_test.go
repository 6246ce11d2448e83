package profiles_test

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/siegel-pki/siegel/internal/sigalg"
	"github.com/siegel-pki/siegel/profiles"
)

// catalogue copies the files of the built-in catalogue.
func catalogue(t testing.TB) fstest.MapFS {
	t.Helper()
	files := fstest.MapFS{}
	err := fs.WalkDir(os.DirFS("."), ".", func(name string, _ fs.DirEntry, err error) error {
		if err == nil && path.Ext(name) == ".yaml" && !strings.HasPrefix(name, "testdata") {
			files[name] = &fstest.MapFile{Data: readFile(t, name)}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

const (
	g20, g21         = "cards/smcb-g2.0.yaml", "cards/smcb-g2.1.yaml"
	dkg, kbv         = "sectors/dkg.yaml", "sectors/kbv.yaml"
	aut, osig        = "x509/C.HCI.AUT.yaml", "x509/C.HCI.OSIG.yaml"
	role, device     = "cvc/C.SMC.AUTR_CVC.yaml", "cvc/C.SMC.AUTD_RPE_CVC.yaml"
	chat, institutes = "chat.yaml", "institutions.yaml"
)

// TestSyntax spoils the YAML itself. The YAML parser tells the line to within one or two.
func TestSyntax(t *testing.T) {
	for _, c := range []struct{ name, old, new, at string }{
		{"open list", "title:", "title: [", "title:"},
		{"tab as indentation", "    profile: C.HCI.AUT\n", "\tprofile: C.HCI.AUT\n", "\tprofile"},
		{"alias of nothing", "key: R2048", "key: *x", "*x"},
		{"octets that are not UTF-8", "title: Institution", "title: \xff", "title:"},
	} {
		t.Run(c.name, func(t *testing.T) {
			files := catalogue(t)
			text := change(t, files, g21, c.old, c.new)
			line := 1 + strings.Count(text[:strings.Index(text, c.at)], "\n")
			near := func(p profiles.Problem) bool {
				return p.File == g21 && p.Rule == "SYNTAX" && p.Line >= line-2 && p.Line <= line+2
			}
			if problems := load(t, files); !slices.ContainsFunc(problems, near) {
				t.Errorf("problems are\n%v\nwant SYNTAX near %s:%d", problems, g21, line)
			}
		})
	}
	files := catalogue(t)
	files[g21].Data = nil
	if p := load(t, files)[0]; p != (profiles.Problem{File: g21, Line: 1, Rule: "SYNTAX", Message: "the file is empty"}) {
		t.Errorf("problem of an empty file is %v", p)
	}
}

// TestContradictionsBetweenFiles changes one file and finds the problem in another.
func TestContradictionsBetweenFiles(t *testing.T) {
	for _, c := range []struct{ name, file, old, new, want string }{
		{"slot whose key the profile does not take", role, "value: [E256]", "value: [E384]", "cards/smcb-g2.1.yaml CONTRADICTION"},
		{"slot whose key the profile has no usage for", aut, "{key: E256,", "{key: E384,", "cards/smcb-g2.1.yaml CONTRADICTION"},
		{"sector wants what a profile forbids", aut, `cRLDistributionPoints, occurs: "0-1"`, `cRLDistributionPoints, occurs: "0"`, "sectors/kbv.yaml CONTRADICTION"},
		{"names without a place", aut, `subjectAltName, occurs: "0-1"`, `subjectAltName, occurs: "0"`, "sectors/pharmacy.yaml CONTRADICTION"},
		{"slot without its access profile", chat, "profile: CHAT.55", "profile: CHAT.56", "cvc/C.SMC.AUTD_RPE_CVC.yaml UNKNOWN_REFERENCE"},
	} {
		t.Run(c.name, func(t *testing.T) {
			files := catalogue(t)
			change(t, files, c.file, c.old, c.new)
			problems := load(t, files)
			if !slices.ContainsFunc(problems, func(p profiles.Problem) bool { return p.File+" "+p.Rule == c.want }) {
				t.Errorf("problems are\n%v\nwant %s", problems, c.want)
			}
		})
	}
}

// TestMissingAndUnexpectedFiles takes parts away and puts files where none belong.
func TestMissingAndUnexpectedFiles(t *testing.T) {
	for _, part := range []string{"cards", "sectors", "x509", "cvc", "institutions.yaml", "chat.yaml", "subca.yaml", "algorithms.yaml"} {
		files := catalogue(t)
		for name := range files {
			if strings.HasPrefix(name, part) {
				delete(files, name)
			}
		}
		problems := load(t, files)
		if !slices.ContainsFunc(problems, func(p profiles.Problem) bool { return p.File == part && p.Rule == "MISSING_FILE" }) {
			t.Errorf("without %s: problems are\n%v\nwant MISSING_FILE", part, problems)
		}
	}
	for _, place := range []string{"sector.yaml", "sector/dkg.yaml", "sectors/old/dkg.yaml"} {
		files := catalogue(t)
		files[place] = files[dkg]
		if p := load(t, files); len(p) != 1 || p[0].File != place || p[0].Rule != "UNEXPECTED_FILE" {
			t.Errorf("problems are\n%v\nwant UNEXPECTED_FILE at %s", p, place)
		}
	}
	files := catalogue(t)
	files["cvc/C.HCI.AUT.yaml"] = &fstest.MapFile{Data: []byte(strings.Replace(string(files[role].Data), "profile: C.SMC.AUTR_CVC", "profile: C.HCI.AUT", 1))}
	if problems := load(t, files); !slices.ContainsFunc(problems, func(p profiles.Problem) bool { return p.Rule == "DUPLICATE_NAME" }) {
		t.Errorf("problems are\n%v\nwant DUPLICATE_NAME for one name in two folders", problems)
	}
	files = catalogue(t)
	files[g21].Data = make([]byte, 1<<18+1)
	if problems := load(t, files); problems[0].Rule != "FILE_TOO_LARGE" && problems[1].Rule != "FILE_TOO_LARGE" {
		t.Errorf("problems are\n%v\nwant FILE_TOO_LARGE", problems)
	}
	if set, err := profiles.Load(fstest.MapFS{}); err == nil {
		t.Errorf("an empty folder loads: %v", set)
	}
}

// TestReportsAllProblems breaks three files: one run names all of them.
func TestReportsAllProblems(t *testing.T) {
	files := catalogue(t)
	change(t, files, aut, "max_years:", "max_year:")
	change(t, files, g20, "key: R2048", "key: R4096")
	change(t, files, chat, "bits: [55]", "bits: [54]")
	var got []string
	for _, p := range load(t, files) {
		got = append(got, fmt.Sprintf("%s %s", p.File, p.Rule))
	}
	for _, want := range []string{g20 + " BAD_VALUE", aut + " UNKNOWN_KEY", aut + " MISSING_KEY", chat + " CONTRADICTION"} {
		if !slices.Contains(got, want) {
			t.Errorf("problems are %q, want %s among them", got, want)
		}
	}
	if !slices.IsSorted(got) && !strings.HasPrefix(got[0], "cards") {
		t.Errorf("problems are %q, want them by file", got)
	}
}

// TestHash shows that the hash depends on every octet of every file and on nothing else.
func TestHash(t *testing.T) {
	hash := func(files fstest.MapFS) [32]byte {
		set, err := profiles.Load(files)
		if err != nil {
			t.Fatal(err)
		}
		return set.Hash()
	}
	want := builtin(t).Hash()
	files := catalogue(t)
	if got := hash(files); got != want {
		t.Errorf("the hash of the same files is %x, want %x", got, want)
	}
	files["README.md"] = &fstest.MapFile{Data: []byte("no data file")}
	if got := hash(files); got != want {
		t.Error("a file that is no data file changes the hash")
	}
	for name := range catalogue(t) {
		files := catalogue(t)
		files[name].Data = append(files[name].Data, '\n')
		if hash(files) == want {
			t.Errorf("a change of %s does not change the hash", name)
		}
	}
}

// TestCatalogueGrowsByFiles adds a card type and a sector as new files, without a change to another.
func TestCatalogueGrowsByFiles(t *testing.T) {
	files := catalogue(t)
	card := strings.Replace(string(files[g21].Data), "card_type: smcb-g2.1", "card_type: smcb-g2.2", 1)
	files["cards/smcb-g2.2.yaml"] = &fstest.MapFile{Data: []byte(card)}
	sector := strings.Replace(string(files["sectors/pkv.yaml"].Data), "sector: pkv", "sector: pkv-abroad", 1)
	files["sectors/pkv-abroad.yaml"] = &fstest.MapFile{Data: []byte(strings.Replace(sector, "[gematik]", "[PKV-Verband]", 1))}
	set, err := profiles.Load(files)
	if err != nil {
		t.Fatal(err)
	}
	o := sectorOrder(t, "pkv", "smcb-g2.1")
	o.CardType, o.Sector, o.Institution.AdmissionAuthority = "smcb-g2.2", "pkv-abroad", "PKV-Verband"
	plan, err := set.Plan(o, testContext(t))
	if err != nil {
		t.Fatal(err)
	}
	if got := slotOf(t, plan, "C.SMC.AUTR_CVC.E256").CVC.Flags.String(); got != "00000000000000" {
		t.Errorf("flags of a private payer are %s, want those of CHAT.0, which the sector fixes", got)
	}
}

// TestCVCSlotsAreNeverLeftOut lets a card type leave out ECC: that is about X.509, the card still needs its CV certificates.
func TestCVCSlotsAreNeverLeftOut(t *testing.T) {
	files := catalogue(t)
	change(t, files, g21, "may_leave_out: {value: [RSA]", "may_leave_out: {value: [RSA, ECC]")
	set, err := profiles.Load(files)
	if err != nil {
		t.Fatal(err)
	}
	o := sampleOrder(t, "hospital-pharmacy")
	dropSlots(o, ".E256")
	_, err = set.Plan(o, testContext(t))
	var r *profiles.Refusal
	if !errors.As(err, &r) || len(r.Violations) != 2 || r.Violations[0].Rule != "SLOT_MISSING" {
		t.Errorf("error is %v, want SLOT_MISSING for the two CVC slots", err)
	}
}

// TestHolderKinds shows that an institution cannot order an organisation's card.
func TestHolderKinds(t *testing.T) {
	files := catalogue(t)
	change(t, files, g21, "holder: {value: institution", "holder: {value: organisation")
	set, err := profiles.Load(files)
	if err != nil {
		t.Fatal(err)
	}
	_, err = set.Plan(sampleOrder(t, "hospital-pharmacy"), testContext(t))
	var r *profiles.Refusal
	if !errors.As(err, &r) || r.Violations[0].Rule != "SECTOR_NOT_FOR_CARD_TYPE" {
		t.Errorf("error is %v, want SECTOR_NOT_FOR_CARD_TYPE", err)
	}
}

// TestShorterProfile shows that a profile may shorten the term of a card.
func TestShorterProfile(t *testing.T) {
	files := catalogue(t)
	change(t, files, device, "max_years: {value: 5", "max_years: {value: 3")
	set, err := profiles.Load(files)
	if err != nil {
		t.Fatal(err)
	}
	plan, err := set.Plan(sampleOrder(t, "hospital-pharmacy"), testContext(t))
	if err != nil {
		t.Fatal(err)
	}
	if got := plan.Term.Last.Format("2006-01-02"); got != "2027-11-04" {
		t.Errorf("the card ends on %s, want 2027-11-04", got)
	}
}

// TestBuiltinCatalogue looks at a few values of the catalogue that other packages rely on.
func TestBuiltinCatalogue(t *testing.T) {
	set := builtin(t)
	if got := fmt.Sprint(set.ProfilesFor(profiles.SMCBCA, sigalg.RSA), set.ProfilesFor(profiles.CVCSubCA, sigalg.ECC), set.ProfilesFor(profiles.QESCA, sigalg.ECC)); got !=
		"[C.HCI.AUT C.HCI.ENC C.HCI.OSIG] [C.SMC.AUTD_RPE_CVC C.SMC.AUTR_CVC] []" {
		t.Errorf("profiles are %s", got)
	}
	if kind, ok := set.IssuerKind("C.HCI.AUT"); kind != profiles.SMCBCA || !ok {
		t.Errorf("issuer kind of C.HCI.AUT is %q, %t", kind, ok)
	}
	if kind, ok := set.IssuerKind("C.HP.AUT"); ok {
		t.Errorf("issuer kind of C.HP.AUT is %q, want none", kind)
	}
	if i, ok := set.Institution("1.2.276.0.76.4.55"); !ok || i.Text != "Krankenhausapotheke" {
		t.Errorf("institution .55 is %+v", i)
	}
	if n, a := len(set.Institutions()), len(set.AccessProfiles()); n != 65 || a != 16 {
		t.Errorf("there are %d institutions and %d access profiles, want 65 and 16 (Tab_PKI_403, Tab_PKI_918-02)", n, a)
	}
}

// change replaces a text, which must be there, once.
func change(t *testing.T, files fstest.MapFS, name, old, replacement string) string {
	t.Helper()
	text := string(files[name].Data)
	if !strings.Contains(text, old) {
		t.Fatalf("%s has no %q", name, old)
	}
	text = strings.Replace(text, old, replacement, 1)
	files[name].Data = []byte(text)
	return text
}

// load loads a catalogue that must be refused.
func load(t *testing.T, files fstest.MapFS) profiles.Problems {
	t.Helper()
	set, err := profiles.Load(files)
	var problems profiles.Problems
	if !errors.As(err, &problems) || len(problems) == 0 {
		t.Fatalf("set is %v, error is %v, want problems", set, err)
	}
	return problems
}
