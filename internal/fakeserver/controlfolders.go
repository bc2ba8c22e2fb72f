package fakeserver

import (
	"errors"

	"github.com/calwatch/calwatch/internal/fakeserver/exchange"
)

// folderRoutes are the calls of the control API that are about the folders of Exchange's mailboxes.
func folderRoutes() []controlRoute {
	return []controlRoute{
		postOf("ews/folder", (*Server).controlFolder),
		postOf("ews/forgetsync", func(s *Server, what struct {
			Mailbox string `json:"mailbox"`
		}) error {
			if !s.exchange.ForgetSyncStates(what.Mailbox) {
				return errors.New("there is no mailbox " + what.Mailbox)
			}
			return nil
		}),
	}
}

// controlFolder makes, renames or deletes a folder.
func (s *Server) controlFolder(what struct {
	Do      string `json:"do"`
	Mailbox string `json:"mailbox"`
	Name    string `json:"name"`
	Class   string `json:"class"`
	In      string `json:"in"`
	To      string `json:"to"`
}) error {
	f := exchange.Folder{Name: what.Name, Class: what.Class}
	switch what.Do {
	case "create":
		if f.Class == "" {
			f.Class = "IPF.Note"
		}
		_, err := s.exchange.CreateFolder(what.Mailbox, f, exchange.Folder{Name: what.In})
		return err
	case "rename":
		return s.exchange.RenameFolder(what.Mailbox, f, what.To)
	case "delete":
		return s.exchange.DeleteFolder(what.Mailbox, f)
	}
	return errors.New("do is create, rename or delete")
}
