import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.apache.kafka.clients.consumer.CommitFailedException;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.common.errors.ProducerFencedException;

/** Transactions: all records and offsets of one count, or none. */
final class Transactions {
    private Transactions() {}

    /** Begins a transaction and puts these records into it. */
    private static void write(KafkaProducer<String, String> producer, String topic, List<String> values) {
        producer.beginTransaction();
        values.forEach(value -> producer.send(Broker.record(topic, value)));
        producer.flush();
    }

    static void aborted(Broker broker) throws Exception {
        var topic = broker.topic("aborted", 1, Map.of());
        try (var producer = broker.transactional("aborted")) {
            write(producer, topic, List.of("a", "b"));
            producer.commitTransaction();
            write(producer, topic, List.of("never"));
            producer.abortTransaction();
            write(producer, topic, List.of("c"));
            producer.commitTransaction();
        }
        Check.equal(List.of("a", "b", "c"), broker.values(topic, Broker.READ_COMMITTED));
        Check.equal(List.of("a", "b", "never", "c"), broker.values(topic, Map.of()));
    }

    static void open(Broker broker) throws Exception {
        var topic = broker.topic("open", 1, Map.of());
        broker.send(topic, "before");
        try (var producer = broker.transactional("open")) {
            write(producer, topic, List.of("open"));
            broker.send(topic, "after");
            Check.equal(List.of("before"), broker.values(topic, Broker.READ_COMMITTED));
            producer.commitTransaction();
        }
        Check.equal(List.of("before", "open", "after"), broker.values(topic, Broker.READ_COMMITTED));
    }

    static void fenced(Broker broker) throws Exception {
        var topic = broker.topic("fence", 1, Map.of());
        try (var old = broker.transactional("fence")) {
            write(old, topic, List.of("from the old one"));
            try (var newer = broker.transactional("fence")) {
                write(newer, topic, List.of("from the new one"));
                Check.refused(ProducerFencedException.class, () -> {
                    old.commitTransaction();
                    return null;
                });
                newer.commitTransaction();
            }
        }
        Check.equal(List.of("from the new one"), broker.values(topic, Broker.READ_COMMITTED));
    }

    static void replacedMember(Broker broker) throws Exception {
        var input = broker.topic("replaced-in", 1, Map.of());
        var output = broker.topic("replaced-out", 1, Map.of());
        try (var producer = broker.transactional("replaced")) {
            var zombie = Groups.member(broker, "replaced", input, Map.of());
            Groups.pollUntil(1, zombie);
            var metadata = zombie.groupMetadata();
            zombie.close();
            try (var newer = Groups.member(broker, "replaced", input, Map.of())) {
                Groups.pollUntil(1, newer);
                write(producer, output, List.of("from the zombie"));
                var offsets = Map.of(Broker.first(input), new OffsetAndMetadata(1));
                Check.refused(CommitFailedException.class, () -> {
                    producer.sendOffsetsToTransaction(offsets, metadata);
                    producer.commitTransaction();
                    return null;
                });
                producer.abortTransaction();
            }
        }
        Check.equal(List.of(), broker.values(output, Broker.READ_COMMITTED));
    }

    /** Each incarnation copies two records in a transaction, begins another, and is never heard of again. */
    static void resumed(Broker broker) throws Exception {
        var input = broker.topic("resume-in", 1, Map.of());
        var output = broker.topic("resume-out", 1, Map.of());
        var values = IntStream.range(0, 7).mapToObj(String::valueOf).toList();
        broker.send(input, values.toArray(String[]::new));
        for (int incarnation = 0; incarnation < 3; incarnation++) {
            var copier = broker.transactional("resume");
            Map<String, Object> settings = Map.of("isolation.level", "read_committed", "max.poll.records", 1);
            try (var consumer = Groups.member(broker, "resume", input, settings)) {
                copy(copier, consumer, output, 2);
                copier.commitTransaction();
                copy(copier, consumer, output, 1);
            }
        }
        broker.transactional("resume").close();
        Check.equal(values.subList(0, 6), broker.values(output, Broker.READ_COMMITTED));
    }

    /** Begins a transaction that has the next records and how far they go. */
    private static void copy(
            KafkaProducer<String, String> copier, KafkaConsumer<String, String> consumer, String output, int count)
            throws Exception {
        var records = Broker.take(consumer, count);
        write(copier, output, records.stream().map(record -> record.value()).toList());
        var last = records.get(count - 1);
        var offsets = Map.of(Broker.first(last.topic()), new OffsetAndMetadata(last.offset() + 1));
        copier.sendOffsetsToTransaction(offsets, consumer.groupMetadata());
    }
}
