package exchange

import "fmt"

// CreateFolder makes a folder in another, and tells of it. It returns the folder's id.
func (s *Server) CreateFolder(address string, f, in Folder) (id string, err error) {
	err = s.changeTree(address, func(m *mailbox) ([]*event, error) {
		if m.folder(f.Name) != nil {
			return nil, fmt.Errorf("there is a folder %q already", f.Name)
		}
		parent := m.folder(in.Name)
		if parent == nil || parent.parent == nil {
			return nil, fmt.Errorf("no folder can be made in %q", in.Name)
		}
		// The number, as another may have had the name before.
		made := m.addFolder(fmt.Sprintf("own %s %d", f.Name, m.hierarchy.now()), f.Name, f.Class, parent)
		s.store.folders[made.id] = made
		id = made.id
		parent.version++
		return []*event{made.event(eventCreated), parent.modified()}, nil
	})
	return id, err
}

// RenameFolder gives a folder that is not one of every mailbox's another name.
func (s *Server) RenameFolder(address string, f Folder, name string) error {
	return s.changeTree(address, func(m *mailbox) ([]*event, error) {
		found, err := m.own(f)
		if err != nil {
			return nil, err
		}
		if m.folder(name) != nil {
			return nil, fmt.Errorf("there is a folder %q already", name)
		}
		found.name = name
		found.version++
		m.hierarchy.note(found.id, modified)
		return []*event{found.modified()}, nil
	})
}

// DeleteFolder deletes a folder that is not one of every mailbox's, with its items, for good.
func (s *Server) DeleteFolder(address string, f Folder) error {
	return s.changeTree(address, func(m *mailbox) ([]*event, error) {
		found, err := m.own(f)
		if err != nil {
			return nil, err
		}
		if found.children() > 0 {
			return nil, fmt.Errorf("folder %q has others in it", f.Name)
		}
		for _, it := range found.items {
			m.take(it)
		}
		found.deleted = true
		found.parent.version++
		m.hierarchy.note(found.id, left)
		return []*event{found.event(eventDeleted), found.parent.modified()}, nil
	})
}

// changeTree makes a change of a mailbox's folders under the lock, and publishes what it says.
func (s *Server) changeTree(address string, change func(*mailbox) ([]*event, error)) error {
	s.store.mu.Lock()
	defer s.store.mu.Unlock()
	s.store.sweep()
	m, ok := s.store.locked(address)
	if !ok {
		return fmt.Errorf("exchange: folders of %q: there is no such mailbox", address)
	}
	events, err := change(m)
	if err != nil {
		return fmt.Errorf("exchange: folders of %s: %w", m.address, err)
	}
	s.store.publish(m, events)
	return nil
}

// own finds a folder that is not one of every mailbox's.
func (m *mailbox) own(f Folder) (*folder, error) {
	found := m.folder(f.Name)
	if found == nil || found.distinguished != "" {
		return nil, fmt.Errorf("there is no folder %q that could be changed", f.Name)
	}
	return found, nil
}

// event is one about the folder itself.
func (f *folder) event(kind string) *event {
	return &event{kind: kind, folder: f, id: f.ref(), parent: f.parent, in: f.parent.ref()}
}
