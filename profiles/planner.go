package profiles

// Plan says which certificates an order would give, complete but for the X.509 serial numbers.
func (s *Set) Plan(o *Order, c *Context) (*Plan, error) { panic("not written") }
