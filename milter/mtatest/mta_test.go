package mtatest_test

import (
	"slices"
	"testing"
)

// promises must hold on every MTA.
var promises = []promise{
	{"secure recipients get it byte for byte", testSecureRecipientsGetItByteForByte},
	{"unknown recipient is tagged", testUnknownRecipientIsTagged},
	{"forged verdict is removed from secure mail", testForgedVerdictIsRemovedFromSecureMail},
	{"marked mail is split", testMarkedMailIsSplit},
	{"diverted mail keeps DSN", testDivertedMailKeepsDSN},
	{"diverted without subject", testDivertedWithoutSubject},
	{"add_marker", testAddMarker},
	{"quarantine", testQuarantine},
	{"reject at the end", testRejectAtTheEnd},
	{"default reply says what to type", testDefaultReplySaysWhatToType},
	{"closed recipient is refused", testClosedRecipientIsRefused},
	{"longest replies arrive", testLongestRepliesArrive},
	{"look-alike is rejected", testLookAlikeIsRejected},
	{"odd forms never go out unencrypted", testOddFormsNeverGoOutUnencrypted},
	{"long addresses", testLongAddresses},
	{"bare name goes where the MTA completes it", testBareNameGoesWhereTheMTACompletesIt},
	{"difference of readings is logged", testDifferenceOfReadingsIsLogged},
	{"messages of one connection", testMessagesOfOneConnection},
	{"pipelining", testPipelining},
	{"sendmail(1)", testSendmailCommand},
	{"sendmail(1), odd forms", testSendmailCommandOddForms},
	{"sendmail(1) while down", testSendmailCommandWhileDown},
	{"number in a document", testNumberInDocument},
	{"observe changes nothing", testObserveChangesNothing},
	{"relay is down", testRelayIsDown},
	{"status", testStatus},
	{"second pass changes nothing", testSecondPassChangesNothing},
}

// programPromises depend on the MTA's program, not on its configuration.
var programPromises = []promise{
	{"observing policy", testObservingPolicy},
	{"mode changes within a session", testModeChangesWithinASession},
	{"thousand recipients", testThousandRecipients},
	{"reload under load", testReloadUnderLoad},
	{"killed daemon leaks nothing", testKilledDaemonLeaksNothing},
	{"too many connections", testTooManyConnections},
	{"SIGTERM lets messages finish", testTermLetsMessagesFinish},
	{"restarts cost no mail", testRestartsCostNoMail},
	{"large message passes", testLargeMessagePasses},
	{"killed document process", testKilledDocumentProcess},
}

type promise struct {
	name string
	test func(*T)
}

func TestPromises(t *testing.T) {
	onEach(t, []*world{postfix, sendmail, debian}, func(t *T) {
		list := promises
		if t.world != debian {
			list = append(slices.Clone(promises), programPromises...)
		}
		for _, p := range list {
			t.Run(p.name, p.test)
		}
	})
}
