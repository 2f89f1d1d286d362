import java.util.LinkedHashMap;
import java.util.Map;

/** Runs all cases in turn, and ends with the first that fails. */
final class Suite {
    /** What is asked of a broker; it throws when the answer is not as it should be. */
    interface Case {
        void run(Broker broker) throws Exception;
    }

    private static Map<String, Case> cases() {
        var cases = new LinkedHashMap<String, Case>();
        cases.put("a topic's settings are changed one by one", Topics::settingsAreChanged);
        cases.put("retention is shortened for a topic that has records", Topics::retentionIsShortened);
        cases.put("a topic is created once, extended, not shrunk, and deleted", Topics::createdExtendedDeleted);
        cases.put("records come back as they were sent with every codec", Records::everyCodec);
        cases.put("many requests at once leave records in order", Records::inOrder);
        cases.put("a record beyond the topic's limit is refused", Records::tooLarge);
        cases.put("offsets are found by time", Records::offsetsByTime);
        cases.put("deleted records are gone", Records::deleted);
        cases.put("two members share partitions, one inherits them", Groups::eager);
        cases.put("members that keep what they have share partitions too", Groups::cooperative);
        cases.put("committed offsets come back with their text", Groups::committedOffsets);
        cases.put("a static member comes back without a rebalance", Groups::staticMember);
        cases.put("of two members with one name the older is fenced off", Groups::fencedMember);
        cases.put("groups are listed, described, and deleted when empty", Groups::administration);
        cases.put("aborted records are invisible to read_committed", Transactions::aborted);
        cases.put("readers stop before an open transaction", Transactions::open);
        cases.put("a new incarnation fences off the old one", Transactions::fenced);
        cases.put("a member that was replaced cannot commit", Transactions::replacedMember);
        cases.put("read-process-write is resumed and counts once", Transactions::resumed);
        cases.put("records whose acknowledgements were cut off are there once", Faults::cutConnections);
        cases.put("acknowledged records are there once after kill -9", Faults::killedBroker);
        cases.put("what is older than the shortened retention is gone", Topics::oldRecordsAreGone);
        return cases;
    }

    public static void main(String[] arguments) {
        var broker = new Broker(arguments[0]);
        cases().forEach((name, run) -> {
            try {
                run.run(broker);
                System.out.println("ok: " + name);
            } catch (Exception | AssertionError failure) {
                System.out.println("FAILED: " + name);
                failure.printStackTrace(System.out);
                System.exit(1);
            }
        });
    }
}
