package exchange

import (
	"fmt"
	"strings"
	"testing"
)

const idOnly = `<t:BaseShape>IdOnly</t:BaseShape>`

func TestGetFolderTellsOfEachFolderInItsOrder(t *testing.T) {
	s := New(nil)
	made(t, s, Created, "inbox", "a", "b")
	all := messagesOf(t, s, `<m:GetFolder><m:FolderShape><t:BaseShape>Default</t:BaseShape></m:FolderShape><m:FolderIds>
		<t:DistinguishedFolderId Id="inbox"><t:Mailbox><t:EmailAddress>`+alex+`</t:EmailAddress></t:Mailbox></t:DistinguishedFolderId>
		<t:DistinguishedFolderId Id="favorites"/>
		<t:FolderId Id="`+s.FolderID(alex, Folder{Name: "calendar"})+`" ChangeKey="AQAAAA=="/></m:FolderIds></m:GetFolder>`)
	if len(all) != 3 {
		t.Fatalf("%d messages, want 3", len(all))
	}
	inbox := all[0].at("Folders", "Folder")
	if got, want := names(inbox), "FolderId DisplayName TotalCount ChildFolderCount UnreadCount"; got != want {
		t.Errorf("the inbox has %q, want %q", got, want)
	}
	if total, unread := inbox.at("TotalCount").value(), inbox.at("UnreadCount").value(); total != "2" || unread != "2" {
		t.Errorf("the inbox has %s items, %s of them unread; want 2", total, unread)
	}
	if got, want := names(all[1]), "MessageText ResponseCode DescriptiveLinkKey Folders"; got != want {
		t.Errorf("a folder that there is not: %q, want %q", got, want)
	}
	if got := all[1].at("ResponseCode").value(); got != "ErrorFolderNotFound" {
		t.Errorf("a folder that there is not: %s", got)
	}
	if got := all[2].at("Folders", "CalendarFolder", "DisplayName").value(); got != "Calendar" {
		t.Errorf("the calendar is called %q", got)
	}
}

func TestAFolderHasThePropertiesThatAreAskedFor(t *testing.T) {
	s := New(nil)
	m := messageOf(t, s, `<m:GetFolder><m:FolderShape>`+idOnly+`<t:AdditionalProperties><t:FieldURI FieldURI="folder:FolderClass"/>
		<t:FieldURI FieldURI="folder:ParentFolderId"/><t:FieldURI FieldURI="folder:EffectiveRights"/>
		<t:ExtendedFieldURI PropertyTag="0x3613" PropertyType="String"/></t:AdditionalProperties></m:FolderShape>
		<m:FolderIds><t:DistinguishedFolderId Id="tasks"/></m:FolderIds></m:GetFolder>`)
	if got, want := names(m.at("Folders", "TasksFolder")), "FolderId ParentFolderId FolderClass"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestSomebodyElsesFolderIsNotOpened(t *testing.T) {
	s := New(&Options{Mailboxes: []Mailbox{{Address: alex}, {Address: "room1@contoso.test"}}})
	refusedWith(t, s, `<m:GetFolder><m:FolderShape>`+idOnly+`</m:FolderShape><m:FolderIds><t:DistinguishedFolderId Id="calendar"><t:Mailbox>
		<t:EmailAddress>room1@contoso.test</t:EmailAddress></t:Mailbox></t:DistinguishedFolderId></m:FolderIds></m:GetFolder>`, "ErrorAccessDenied")
}

func TestFindFolderFindsWhatIsInAFolder(t *testing.T) {
	s := New(nil)
	if _, err := s.CreateFolder(alex, Folder{Name: "Projects", Class: "IPF.Note"}, Folder{Name: "inbox"}); err != nil {
		t.Fatal(err)
	}
	find := func(traversal, view string) *node {
		return messageOf(t, s, `<m:FindFolder Traversal="`+traversal+`"><m:FolderShape><t:BaseShape>Default</t:BaseShape></m:FolderShape>`+view+
			`<m:ParentFolderIds><t:DistinguishedFolderId Id="msgfolderroot"/></m:ParentFolderIds></m:FindFolder>`).child(nsMessages, "RootFolder")
	}
	shallow, deep := find("Shallow", ""), find("Deep", "")
	if strings.Contains(string(shallow.raw), "Projects") || !strings.Contains(string(deep.raw), "Projects") {
		t.Errorf("shallow %s\ndeep %s", shallow.raw, deep.raw)
	}
	page := find("Deep", `<m:IndexedPageFolderView MaxEntriesReturned="2" Offset="1" BasePoint="Beginning"/>`)
	if n := len(page.at("Folders").all()); n != 2 {
		t.Errorf("a page of %d folders, want 2", n)
	}
	if last, _ := page.attr("IncludesLastItemInRange"); last != "false" {
		t.Errorf("the page says that it is the last: %s", last)
	}
	refusedWith(t, s, `<m:FindFolder Traversal="Deep"><m:FolderShape>`+idOnly+`</m:FolderShape><m:Restriction><t:Not/></m:Restriction>
		<m:ParentFolderIds><t:DistinguishedFolderId Id="root"/></m:ParentFolderIds></m:FindFolder>`, "ErrorUnsupportedQueryFilter")
}

func TestItemsAreFoundInPagesAndFetchedOneByOne(t *testing.T) {
	s := New(nil)
	made(t, s, Created, "inbox", "a", "b", "c")
	made(t, s, Deleted, "inbox", "b")
	find := func(offset int) *node {
		return messageOf(t, s, fmt.Sprintf(`<m:FindItem Traversal="Shallow"><m:ItemShape>%s</m:ItemShape>
			<m:IndexedPageItemView MaxEntriesReturned="1" Offset="%d" BasePoint="Beginning"/>
			<m:ParentFolderIds><t:DistinguishedFolderId Id="inbox"/></m:ParentFolderIds></m:FindItem>`, idOnly, offset)).child(nsMessages, "RootFolder")
	}
	for i, want := range []struct{ id, last string }{{"a", "false"}, {"c", "true"}} {
		root := find(i)
		id, _ := root.at("Items", "Message", "ItemId").attr("Id")
		last, _ := root.attr("IncludesLastItemInRange")
		if id != want.id || last != want.last {
			t.Errorf("page %d has %q, last %s; want %+v", i, id, last, want)
		}
	}
	all := messagesOf(t, s, `<m:GetItem><m:ItemShape><t:BaseShape>Default</t:BaseShape></m:ItemShape><m:ItemIds><t:ItemId Id="c"/><t:ItemId Id="b"/></m:ItemIds></m:GetItem>`)
	if subject := all[0].at("Items", "Message", "Subject").value(); subject != "about c" {
		t.Errorf("subject %q", subject)
	}
	if code := all[1].at("ResponseCode").value(); code != "ErrorItemNotFound" || names(all[1]) != "MessageText ResponseCode DescriptiveLinkKey Items" {
		t.Errorf("what was deleted: %s, %q", code, names(all[1]))
	}
}

func TestClientsThatAskForTheServersVersionAreToldIt(t *testing.T) {
	s := New(nil)
	refusedWith(t, s, `<m:ConvertId DestinationFormat="EntryId"><m:SourceIds><t:AlternateId Format="EwsId" Id="DUMMY" Mailbox="DUMMY"/></m:SourceIds></m:ConvertId>`,
		"ErrorInvalidIdMalformed")
}
