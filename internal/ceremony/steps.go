package ceremony

import "github.com/siegel-pki/siegel/profiles"

// Act says what a step does.
type Act string

// The acts, in the order in which a ceremony comes to them.
const (
	OpenToken       Act = "open token"
	CreateKey       Act = "create key"
	CertifyRoot     Act = "certify root"
	WriteRequest    Act = "write request"
	TakeCertificate Act = "take certificate" // that the root gave for the request
	CertifySigner   Act = "certify signer"
	WriteList       Act = "write list of issuers"
	Retire          Act = "retire"
	DestroyKey      Act = "destroy key"

	// SignRequest is what a test root does for an issuer; it is in no file.
	SignRequest Act = "sign request"
)

// Step is one step of a ceremony. Which of the pointers is set depends on the act; they point into the file.
type Step struct {
	Act  Act
	Name string // what it is about: a token, a key's label, an issuer

	Token       *Token
	Key         *Key
	Root        *Root
	Issuer      *Issuer // of a signer: the one that certifies it
	Signer      *Signer
	Retirement  *Retirement
	Destruction *Destruction
}

// ID names the step in journal and record.
func (s *Step) ID() string { return string(s.Act) + " " + s.Name }

// Steps lists what the file says, in the order in which it is done.
func (f *File) Steps() []Step {
	var steps []Step
	add := func(s Step) { steps = append(steps, s) }
	for i := range f.Tokens {
		add(Step{Act: OpenToken, Name: f.Tokens[i].Name, Token: &f.Tokens[i]})
	}
	for i := range f.Roots {
		r := &f.Roots[i]
		add(Step{Act: CreateKey, Name: r.Key.Label, Key: &r.Key})
		add(Step{Act: CertifyRoot, Name: r.Name, Key: &r.Key, Root: r})
	}
	f.issuerSteps(add)
	for i := range f.Retire {
		add(Step{Act: Retire, Name: f.Retire[i].Issuer, Retirement: &f.Retire[i]})
	}
	for i := range f.Destroy {
		add(Step{Act: DestroyKey, Name: f.Destroy[i].Issuer, Destruction: &f.Destroy[i]})
	}
	return steps
}

// issuerSteps makes all keys and requests before it takes the first certificate: the way to the root and back takes days.
func (f *File) issuerSteps(add func(Step)) {
	for i := range f.Issuers {
		iss := &f.Issuers[i]
		add(Step{Act: CreateKey, Name: iss.Key.Label, Key: &iss.Key})
		for n := range iss.Signers {
			add(Step{Act: CreateKey, Name: iss.Signers[n].Key.Label, Key: &iss.Signers[n].Key})
		}
	}
	if f.Log != nil {
		add(Step{Act: CreateKey, Name: f.Log.Key.Label, Key: &f.Log.Key})
	}
	for i := range f.Issuers {
		add(Step{Act: WriteRequest, Name: f.Issuers[i].Name, Key: &f.Issuers[i].Key, Issuer: &f.Issuers[i]})
	}
	for i := range f.Issuers {
		iss := &f.Issuers[i]
		add(Step{Act: TakeCertificate, Name: iss.Name, Key: &iss.Key, Issuer: iss})
		for n := range iss.Signers {
			add(Step{Act: CertifySigner, Name: iss.Signers[n].Name, Key: &iss.Signers[n].Key, Issuer: iss, Signer: &iss.Signers[n]})
		}
	}
	if len(f.Issuers) > 0 {
		add(Step{Act: WriteList, Name: "(" + string(f.Environment) + ")"})
	}
}

// HasRoots tells whether it is a ceremony of roots.
func (f *File) HasRoots() bool { return len(f.Roots) > 0 }

// Root finds a root by its name; nil if there is none.
func (f *File) Root(name string) *Root {
	for i := range f.Roots {
		if f.Roots[i].Name == name {
			return &f.Roots[i]
		}
	}
	return nil
}

// IsCVC tells whether the root has a CV certificate, or none.
func (r *Root) IsCVC() bool { return r.Kind == profiles.CVCRootCA }
