import java.time.Duration;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.apache.kafka.clients.consumer.CooperativeStickyAssignor;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.clients.consumer.RangeAssignor;
import org.apache.kafka.common.GroupState;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.FencedInstanceIdException;
import org.apache.kafka.common.errors.GroupIdNotFoundException;
import org.apache.kafka.common.errors.GroupNotEmptyException;

/** Consumer groups: members share partitions, come and go. */
final class Groups {
    private static final Duration POLL = Duration.ofMillis(20);

    private Groups() {}

    static KafkaConsumer<String, String> member(
            Broker broker, String group, String topic, Map<String, Object> more) {
        var settings = new HashMap<String, Object>(more);
        settings.put("group.id", broker.name(group));
        settings.put("heartbeat.interval.ms", 100);
        var member = broker.consumer(settings);
        member.subscribe(List.of(topic));
        return member;
    }

    /** Lets all members poll until each has as many partitions as wanted. */
    @SafeVarargs
    static void pollUntil(int wanted, KafkaConsumer<String, String>... members) throws Exception {
        Check.eventually("each has " + wanted, () -> {
            boolean all = true;
            for (var member : members) {
                member.poll(POLL);
                all &= member.assignment().size() == wanted;
            }
            return all;
        });
    }

    static void eager(Broker broker) throws Exception {
        share(broker, "eager", RangeAssignor.class);
    }

    static void cooperative(Broker broker) throws Exception {
        share(broker, "cooperative", CooperativeStickyAssignor.class);
    }

    private static void share(Broker broker, String group, Class<?> assignor) throws Exception {
        var topic = broker.topic(group, 4, Map.of());
        Map<String, Object> settings = Map.of("partition.assignment.strategy", assignor.getName());
        try (var first = member(broker, group, topic, settings)) {
            pollUntil(4, first);
            try (var second = member(broker, group, topic, settings)) {
                pollUntil(2, first, second);
                var all = new HashSet<TopicPartition>(first.assignment());
                all.addAll(second.assignment());
                Check.equal(4, all.size());
            }
            pollUntil(4, first);
        }
    }

    static void committedOffsets(Broker broker) throws Exception {
        var topic = broker.topic("commit", 2, Map.of());
        var committed = Map.of(Broker.first(topic), new OffsetAndMetadata(7, "kept with it"));
        try (var consumer = broker.consumer(Map.of("group.id", broker.name("commit")))) {
            consumer.commitSync(committed);
            var other = new TopicPartition(topic, 1);
            var found = new HashMap<>(consumer.committed(Set.of(Broker.first(topic), other)));
            Check.equal(null, found.remove(other));
            Check.equal(7L, found.get(Broker.first(topic)).offset());
            Check.equal("kept with it", found.get(Broker.first(topic)).metadata());
        }
    }

    /** A rebalance would wait for the other member, which does not poll meanwhile and so cannot join again. */
    static void staticMember(Broker broker) throws Exception {
        var topic = broker.topic("static", 4, Map.of());
        var first = member(broker, "static", topic, Map.of("group.instance.id", "first"));
        try (var second = member(broker, "static", topic, Map.of("group.instance.id", "second"))) {
            pollUntil(2, first, second);
            var before = first.assignment();
            first.close();
            first = member(broker, "static", topic, Map.of("group.instance.id", "first"));
            pollUntil(2, first);
            Check.equal(before, first.assignment());
        }
        first.close();
    }

    static void fencedMember(Broker broker) throws Exception {
        var topic = broker.topic("fenced", 1, Map.of());
        Map<String, Object> name = Map.of("group.instance.id", "name");
        try (var older = member(broker, "fenced", topic, name);
                var newer = member(broker, "fenced", topic, name)) {
            pollUntil(1, older);
            pollUntil(1, newer);
            Check.refused(FencedInstanceIdException.class, () -> {
                Check.eventually("fenced off", () -> older.poll(POLL) == null);
                return null;
            });
        }
    }

    static void administration(Broker broker) throws Exception {
        var topic = broker.topic("admin", 1, Map.of());
        var group = broker.name("admin");
        var only = List.of(group);
        try (var admin = broker.admin()) {
            try (var member = member(broker, "admin", topic, Map.of())) {
                pollUntil(1, member);
                member.commitSync(Map.of(Broker.first(topic), new OffsetAndMetadata(0)));
                var described = admin.describeConsumerGroups(only).all().get().get(group);
                Check.equal(GroupState.STABLE, described.groupState());
                Check.equal(1, described.members().size());
                var listed = admin.listGroups().all().get();
                Check.equal(1L, listed.stream().filter(known -> known.groupId().equals(group)).count());
                Check.refused(GroupNotEmptyException.class, () -> admin.deleteConsumerGroups(only).all().get());
            }
            var offsets = admin.listConsumerGroupOffsets(group).partitionsToOffsetAndMetadata().get();
            Check.equal(Set.of(Broker.first(topic)), offsets.keySet());
            admin.deleteConsumerGroups(only).all().get();
            Check.refused(GroupIdNotFoundException.class, () -> admin.deleteConsumerGroups(only).all().get());
        }
    }
}
