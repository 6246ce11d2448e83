package p11

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"fmt"
	"sync"
	"time"

	"github.com/miekg/pkcs11"
)

// fake is a module with one token in memory. It keeps to the standard where the pool relies on it, and counts what a pool must
// not do. Session handles begin at 1 again after C_Initialize, as real modules do: whoever confuses generations signs with the
// wrong key.
type fake struct {
	mu          sync.Mutex
	initialized bool
	present     bool
	loggedIn    bool
	pin         string
	wrong       int // wrong PINs since the last right one
	next        pkcs11.SessionHandle
	sessions    map[pkcs11.SessionHandle]*fakeSession
	room        int               // sessions that the token really has; 0: any number
	keys        map[string]string // private keys by CKA_ID
	bad         int               // wrong PINs ever
	refusal     pkcs11.Error      // to a wrong PIN; 0 is CKR_PIN_INCORRECT
	serial      string            // "" is "1"
	handles     uint              // offset of object handles; changes with each login

	running    int            // C_ calls on sessions under way
	logins     int            // C_Login calls
	inits      int            // C_Initialize calls that succeeded
	opens      int            // C_OpenSession calls
	signed     map[string]int // C_Sign calls by data
	violations []string

	hang  chan struct{} // C_Sign waits until it is closed
	takes time.Duration // how long C_SignInit and C_Sign take
	sick  bool          // C_Sign fails until the module is initialized again
}

type fakeSession struct {
	search []pkcs11.ObjectHandle
	key    string // of the active signature
	busy   bool   // a call is running
}

// run is the time in which a call works in the token. The caller holds mu, which is free meanwhile.
func (f *fake) run(s *fakeSession) {
	if s.busy {
		f.violation("two calls at a time in one session")
	}
	s.busy = true
	f.running++
	f.mu.Unlock()
	if f.hang != nil {
		<-f.hang
	}
	time.Sleep(f.takes)
	f.mu.Lock()
	f.running--
	s.busy = false
}

func newFake() *fake {
	return &fake{present: true, pin: "1234", keys: map[string]string{"rsa": "key 1", "ec": "key 2"}, signed: map[string]int{}}
}

// answer is what C_Sign gives.
func answer(key string, data []byte) []byte {
	h := sha256.Sum256(append([]byte(key+":"), data...))
	return h[:]
}

func (f *fake) lock() func() { f.mu.Lock(); return f.mu.Unlock }

// set changes something while pools are at work.
func (f *fake) set(change func()) {
	defer f.lock()()
	change()
}

func (f *fake) violation(format string, args ...any) {
	f.violations = append(f.violations, fmt.Sprintf(format, args...))
}

// lose ends all sessions and the login, as a failover between two HSMs does.
func (f *fake) lose() {
	defer f.lock()()
	clear(f.sessions)
	f.logout()
}

func (f *fake) logout() { f.loggedIn, f.handles = false, f.handles+100 }

func (f *fake) live() int {
	defer f.lock()()
	return len(f.sessions)
}

func (f *fake) Initialize(...pkcs11.InitializeOption) error {
	defer f.lock()()
	if f.initialized {
		return pkcs11.Error(pkcs11.CKR_CRYPTOKI_ALREADY_INITIALIZED)
	}
	f.sick = false
	f.initialized, f.next, f.sessions = true, 0, map[pkcs11.SessionHandle]*fakeSession{}
	f.inits++
	f.logout()
	return nil
}

func (f *fake) Finalize() error {
	defer f.lock()()
	if !f.initialized {
		return pkcs11.Error(pkcs11.CKR_CRYPTOKI_NOT_INITIALIZED)
	}
	if f.running > 0 {
		f.violation("C_Finalize while %d calls were running", f.running)
	}
	f.initialized = false
	f.sessions = nil
	f.logout()
	return nil
}

func (f *fake) GetInfo() (pkcs11.Info, error) { return pkcs11.Info{LibraryDescription: "fake"}, nil }

func (f *fake) GetSlotList(bool) ([]uint, error) {
	defer f.lock()()
	switch {
	case !f.initialized:
		return nil, pkcs11.Error(pkcs11.CKR_CRYPTOKI_NOT_INITIALIZED)
	case !f.present:
		return nil, nil
	}
	return []uint{7}, nil
}

// maxWrong is the number of wrong PINs after which the token locks itself.
const maxWrong = 3

func (f *fake) GetTokenInfo(uint) (pkcs11.TokenInfo, error) {
	defer f.lock()()
	info := pkcs11.TokenInfo{Label: "fake", SerialNumber: cmp.Or(f.serial, "1"), Flags: pkcs11.CKF_TOKEN_INITIALIZED}
	if f.wrong > 0 {
		info.Flags |= pkcs11.CKF_USER_PIN_COUNT_LOW
	}
	if f.wrong == maxWrong-1 {
		info.Flags |= pkcs11.CKF_USER_PIN_FINAL_TRY
	}
	if f.wrong >= maxWrong {
		info.Flags |= pkcs11.CKF_USER_PIN_LOCKED
	}
	return info, nil
}

func (f *fake) GetMechanismList(uint) ([]*pkcs11.Mechanism, error) {
	return []*pkcs11.Mechanism{pkcs11.NewMechanism(pkcs11.CKM_ECDSA, nil)}, nil
}

func (f *fake) OpenSession(uint, uint) (pkcs11.SessionHandle, error) {
	defer f.lock()()
	f.opens++
	switch {
	case !f.initialized:
		return 0, pkcs11.Error(pkcs11.CKR_CRYPTOKI_NOT_INITIALIZED)
	case !f.present:
		return 0, pkcs11.Error(pkcs11.CKR_TOKEN_NOT_PRESENT)
	case f.room > 0 && len(f.sessions) >= f.room:
		return 0, pkcs11.Error(pkcs11.CKR_SESSION_COUNT)
	}
	f.next++
	f.sessions[f.next] = &fakeSession{}
	return f.next, nil
}

// session gives the state of an open session. The caller holds mu.
func (f *fake) session(h pkcs11.SessionHandle) (*fakeSession, error) {
	if !f.initialized {
		return nil, pkcs11.Error(pkcs11.CKR_CRYPTOKI_NOT_INITIALIZED)
	}
	s := f.sessions[h]
	if s == nil {
		return nil, pkcs11.Error(pkcs11.CKR_SESSION_HANDLE_INVALID)
	}
	if !f.present {
		return nil, pkcs11.Error(pkcs11.CKR_DEVICE_REMOVED)
	}
	return s, nil
}

func (f *fake) CloseSession(h pkcs11.SessionHandle) error {
	defer f.lock()()
	if _, err := f.session(h); err != nil {
		return err
	}
	if f.sessions[h].busy {
		f.violation("C_CloseSession of a session that was in use")
	}
	delete(f.sessions, h)
	if len(f.sessions) == 0 {
		f.logout()
	}
	return nil
}

func (f *fake) GetSessionInfo(h pkcs11.SessionHandle) (pkcs11.SessionInfo, error) {
	defer f.lock()()
	if _, err := f.session(h); err != nil {
		return pkcs11.SessionInfo{}, err
	}
	if f.loggedIn {
		return pkcs11.SessionInfo{State: pkcs11.CKS_RO_USER_FUNCTIONS}, nil
	}
	return pkcs11.SessionInfo{State: pkcs11.CKS_RO_PUBLIC_SESSION}, nil
}

func (f *fake) Login(h pkcs11.SessionHandle, _ uint, pin string) error {
	defer f.lock()()
	if _, err := f.session(h); err != nil {
		return err
	}
	f.logins++
	switch {
	case f.loggedIn:
		return pkcs11.Error(pkcs11.CKR_USER_ALREADY_LOGGED_IN)
	case f.wrong >= maxWrong:
		return pkcs11.Error(pkcs11.CKR_PIN_LOCKED)
	case pin != f.pin:
		f.wrong++
		f.bad++
		return pkcs11.Error(cmp.Or(f.refusal, pkcs11.CKR_PIN_INCORRECT))
	}
	f.loggedIn, f.wrong = true, 0
	return nil
}

// object is the handle of a key; it changes with each login.
func (f *fake) object(id string) pkcs11.ObjectHandle {
	return pkcs11.ObjectHandle(f.handles + uint(len(id)))
}

func (f *fake) FindObjectsInit(h pkcs11.SessionHandle, template []*pkcs11.Attribute) error {
	defer f.lock()()
	s, err := f.session(h)
	if err != nil {
		return err
	}
	if s.search != nil {
		return pkcs11.Error(pkcs11.CKR_OPERATION_ACTIVE)
	}
	s.search = []pkcs11.ObjectHandle{}
	for _, a := range template {
		if _, ok := f.keys[string(a.Value)]; ok && a.Type == pkcs11.CKA_ID && f.loggedIn {
			s.search = append(s.search, f.object(string(a.Value)))
		}
	}
	return nil
}

func (f *fake) FindObjects(h pkcs11.SessionHandle, max int) ([]pkcs11.ObjectHandle, bool, error) {
	defer f.lock()()
	s, err := f.session(h)
	if err != nil {
		return nil, false, err
	}
	n := min(max, len(s.search))
	found := s.search[:n]
	s.search = s.search[n:]
	return found, false, nil
}

func (f *fake) FindObjectsFinal(h pkcs11.SessionHandle) error {
	defer f.lock()()
	s, err := f.session(h)
	if err == nil {
		s.search = nil
	}
	return err
}

func (f *fake) SignInit(h pkcs11.SessionHandle, _ []*pkcs11.Mechanism, key pkcs11.ObjectHandle) error {
	defer f.lock()()
	s, err := f.session(h)
	if err != nil {
		return err
	}
	switch {
	case !f.loggedIn:
		return pkcs11.Error(pkcs11.CKR_USER_NOT_LOGGED_IN)
	case s.key != "":
		f.violation("C_SignInit in a session whose signature is active")
		return pkcs11.Error(pkcs11.CKR_OPERATION_ACTIVE)
	}
	if f.takes > 0 {
		f.run(s)
	}
	for id, k := range f.keys {
		if f.object(id) == key {
			s.key = k
			return nil
		}
	}
	return pkcs11.Error(pkcs11.CKR_KEY_HANDLE_INVALID)
}

func (f *fake) Sign(h pkcs11.SessionHandle, data []byte) ([]byte, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	s, err := f.session(h)
	if err != nil {
		return nil, err
	}
	if s.key == "" {
		return nil, pkcs11.Error(pkcs11.CKR_OPERATION_NOT_INITIALIZED)
	}
	f.run(s)
	if f.sick {
		return nil, pkcs11.Error(pkcs11.CKR_DEVICE_ERROR)
	}
	key := s.key
	s.key = ""
	f.signed[string(data)]++
	if f.signed[string(data)] > 1 {
		f.violation("%q signed %d times", data, f.signed[string(data)])
	}
	return answer(key, bytes.Clone(data)), nil
}

// What the pool's own tests do not need.
func (f *fake) GetAttributeValue(pkcs11.SessionHandle, pkcs11.ObjectHandle, []*pkcs11.Attribute) ([]*pkcs11.Attribute, error) {
	return nil, pkcs11.Error(pkcs11.CKR_FUNCTION_NOT_SUPPORTED)
}

func (f *fake) DestroyObject(pkcs11.SessionHandle, pkcs11.ObjectHandle) error {
	return pkcs11.Error(pkcs11.CKR_FUNCTION_NOT_SUPPORTED)
}

func (f *fake) GenerateKeyPair(pkcs11.SessionHandle, []*pkcs11.Mechanism, []*pkcs11.Attribute, []*pkcs11.Attribute) (pkcs11.ObjectHandle,
	pkcs11.ObjectHandle, error) {
	return 0, 0, pkcs11.Error(pkcs11.CKR_FUNCTION_NOT_SUPPORTED)
}
