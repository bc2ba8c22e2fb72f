package tokencache

func platformRoles() map[string]func(*Store) error { return nil }
