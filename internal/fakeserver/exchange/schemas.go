package exchange

func messages(name string, content ...particle) *element {
	return &element{space: nsMessages, name: name, content: content}
}

func types(name string, content ...particle) *element {
	return &element{space: nsTypes, name: name, content: content}
}

func messagesText(name string, check func(string) string) *element {
	return &element{space: nsMessages, name: name, value: check}
}

func typesText(name string, check func(string) string) *element {
	return &element{space: nsTypes, name: name, value: check}
}

// Folders, as every operation names them.
var (
	elementFolderID = &element{space: nsTypes, name: "FolderId", attrs: []attribute{
		{name: "Id", required: true}, {name: "ChangeKey"},
	}}
	elementDistinguishedFolderID = &element{space: nsTypes, name: "DistinguishedFolderId", attrs: []attribute{
		{name: "Id", required: true, value: oneOf(distinguishedNames...)}, {name: "ChangeKey"},
	}, content: []particle{optional(types("Mailbox",
		optional(typesText("Name", anyText)), optional(typesText("EmailAddress", notEmpty)), optional(typesText("RoutingType", anyText)),
		optional(typesText("MailboxType", anyText)), optional(&element{space: nsTypes, name: "ItemId", open: true}),
	))}}
	// folderIDs is in a request that names folders, t:FolderIds or m:FolderIds.
	elementFolderIDs = types("FolderIds", some(elementFolderID, elementDistinguishedFolderID))
)

// Subscribe and what goes with it.
var (
	elementEventTypes   = types("EventTypes", some(typesText("EventType", oneOf(eventTypeNames...))))
	elementWatermark    = typesText("Watermark", notEmpty)
	attributesSubscribe = []attribute{{name: "SubscribeToAllFolders", value: boolean}}

	schemaSubscribe = messages("Subscribe", one(
		&element{space: nsMessages, name: "PullSubscriptionRequest", attrs: attributesSubscribe, content: []particle{
			optional(elementFolderIDs), one(elementEventTypes), optional(elementWatermark), one(typesText("Timeout", integer(1, 1440))),
		}},
		&element{space: nsMessages, name: "PushSubscriptionRequest", attrs: attributesSubscribe, content: []particle{
			optional(elementFolderIDs), one(elementEventTypes), optional(elementWatermark),
			one(typesText("StatusFrequency", integer(1, 1440))), one(typesText("URL", httpURL)), optional(typesText("CallerData", anyText)),
		}},
		&element{space: nsMessages, name: "StreamingSubscriptionRequest", attrs: attributesSubscribe, content: []particle{
			optional(elementFolderIDs), one(elementEventTypes),
		}},
	))
	schemaUnsubscribe = messages("Unsubscribe", one(messagesText("SubscriptionId", notEmpty)))
	schemaGetEvents   = messages("GetEvents", one(messagesText("SubscriptionId", notEmpty)), one(messagesText("Watermark", notEmpty)))
	schemaListen      = messages("GetStreamingEvents",
		one(messages("SubscriptionIds", some(typesText("SubscriptionId", notEmpty)))),
		one(messagesText("ConnectionTimeout", integer(1, 30))))
)

// distinguishedNames are all that the schema has, whether or not a mailbox has the folder.
var distinguishedNames = []string{
	"calendar", "contacts", "deleteditems", "drafts", "inbox", "journal", "notes", "outbox", "sentitems", "tasks", "msgfolderroot",
	"publicfoldersroot", "root", "junkemail", "searchfolders", "voicemail", "recoverableitemsroot", "recoverableitemsdeletions",
	"recoverableitemsversions", "recoverableitemspurges", "archiveroot", "archivemsgfolderroot", "archivedeleteditems", "archiveinbox",
	"archiverecoverableitemsroot", "archiverecoverableitemsdeletions", "archiverecoverableitemsversions",
	"archiverecoverableitemspurges", "syncissues", "conflicts", "localfailures", "serverfailures", "recipientcache", "quickcontacts",
	"conversationhistory", "adminauditlogs", "todosearch", "mycontacts", "directory", "imcontactlist", "peopleconnect", "favorites",
}
