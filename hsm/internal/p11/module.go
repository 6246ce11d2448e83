package p11

import (
	"context"
	"fmt"
	"path/filepath"
	"sync"
	"sync/atomic"

	"github.com/miekg/pkcs11"
)

// module is a PKCS#11 library in this process. C_Initialize and login belong to the whole process, so that there is one
// module per library file.
type module struct {
	path string
	c    calls
	gate gate

	generation atomic.Uint64 // counts C_Initialize

	// turn holds one token: who has it may initialize and finalize, and owns the two fields below. It is a channel because the
	// holder may have to wait for running calls, and those who wait for their turn must be able to give up.
	turn  chan struct{}
	users int  // pools that are open
	ours  bool // C_Initialize was called here, and so must C_Finalize be

	login sync.Mutex // one login at a time
	pins  *pins      // what was learnt of PINs; shared by all modules of the process
	init  string     // what C_Initialize is given; set by the first pool. The holder of the turn owns it.
}

func newModule(path string, c calls, p *pins) *module {
	m := &module{path: path, c: c, turn: make(chan struct{}, 1), pins: p}
	m.gate.open = true
	return m
}

// loaded holds every module that was loaded. A module stays loaded until the process ends: libraries with threads and exit
// handlers do not survive being unloaded.
var loaded = struct {
	sync.Mutex
	modules map[string]*module
	pins    *pins
}{modules: map[string]*module{}, pins: newPins()}

// load gives the module of a library file, and loads it the first time.
func load(path string) (*module, error) {
	real, err := filepath.EvalSymlinks(path)
	if err != nil {
		return nil, fmt.Errorf("PKCS#11 module %s: %w", path, err)
	}
	loaded.Lock()
	defer loaded.Unlock()
	if m := loaded.modules[real]; m != nil {
		return m, nil
	}
	ctx := pkcs11.New(real)
	if ctx == nil {
		return nil, fmt.Errorf("%s is not a PKCS#11 module for this machine", path)
	}
	m := newModule(real, ctx, loaded.pins)
	loaded.modules[real] = m
	return m, nil
}

// take waits for the turn; pass gives it back.
func (m *module) take(ctx context.Context) error {
	select {
	case m.turn <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (m *module) pass() { <-m.turn }

// acquire counts a user, and initializes the module for the first one, with its words for C_Initialize.
func (m *module) acquire(ctx context.Context, words string) error {
	if err := m.take(ctx); err != nil {
		return err
	}
	defer m.pass()
	if m.users == 0 {
		m.init = words
		if err := m.initialize(); err != nil {
			return err
		}
	}
	m.users++
	return nil
}

// release ends a use. The last one finalizes the module, which ends its sessions and the login.
func (m *module) release() error {
	_ = m.take(context.Background()) // which does not end
	defer m.pass()
	m.users--
	if m.users > 0 || !m.ours {
		return nil
	}
	m.ours = false
	err := wrap("C_Finalize", m.c.Finalize())
	if oneOf(err, []uint{pkcs11.CKR_CRYPTOKI_NOT_INITIALIZED}) {
		return nil // a restart of the module failed before: it is as it should be now
	}
	return err
}

// initialize calls C_Initialize and begins a generation. That the module is initialized already is no error, but then it is
// not ours to finalize. The caller has the turn.
func (m *module) initialize() error {
	err := wrap("C_Initialize", m.c.Initialize(initWords(m.init)...))
	switch {
	case err == nil:
		m.ours = true
		m.generation.Add(1)
		return nil
	case oneOf(err, []uint{pkcs11.CKR_CRYPTOKI_ALREADY_INITIALIZED}):
		return nil
	}
	_ = m.c.Finalize() // the call may have happened all the same; the error to report is the first one
	return err
}

// restart finalizes the module and initializes it again, if it still has the given generation: two pools that see the same loss
// restart it once. It waits until no session is in use.
func (m *module) restart(ctx context.Context, generation uint64) error {
	if err := m.take(ctx); err != nil {
		return err
	}
	defer m.pass()
	if m.generation.Load() != generation {
		return nil
	}
	if err := m.gate.shut(ctx); err != nil {
		return err
	}
	defer m.gate.unlock()
	if m.ours {
		err := wrap("C_Finalize", m.c.Finalize())
		if err != nil && !oneOf(err, []uint{pkcs11.CKR_CRYPTOKI_NOT_INITIALIZED}) {
			return err
		}
	}
	return m.initialize()
}

// gate lets users of sessions in, many at a time, until it is shut. Unlike a sync.RWMutex it turns users away instead of making
// them wait where no context reaches them.
type gate struct {
	mu     sync.Mutex
	open   bool
	inside int
	empty  chan struct{} // closed when the last one leaves a shut gate
}

// enter tells whether the gate is open, and counts the caller if it is.
func (g *gate) enter() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.open {
		g.inside++
	}
	return g.open
}

func (g *gate) leave() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.inside--
	if g.inside == 0 && !g.open {
		close(g.empty)
	}
}

// shut lets nobody in any more and waits until all have left. If the context ends first the gate is open again.
func (g *gate) shut(ctx context.Context) error {
	g.mu.Lock()
	g.open = false
	g.empty = make(chan struct{})
	if g.inside == 0 {
		close(g.empty)
	}
	empty := g.empty
	g.mu.Unlock()
	select {
	case <-empty:
		return nil
	case <-ctx.Done():
		g.unlock()
		return ctx.Err()
	}
}

func (g *gate) unlock() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.open = true
}
