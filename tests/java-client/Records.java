import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.apache.kafka.clients.admin.RecordsToDelete;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.errors.RecordTooLargeException;

/** Records in and out, and where they are. */
final class Records {
    /** For topics whose records have timestamps of long ago. */
    private static final Map<String, String> KEEP_ALL = Map.of("retention.ms", "-1");

    private Records() {}

    static void everyCodec(Broker broker) throws Exception {
        for (var codec : List.of("none", "gzip", "snappy", "lz4", "zstd")) {
            var topic = broker.topic(codec, 1, KEEP_ALL);
            var sent = new ProducerRecord<>(topic, 0, 1234567890123L, "key", codec.repeat(1000));
            sent.headers().add("name", "content".getBytes(StandardCharsets.UTF_8));
            try (var producer = broker.producer(Map.of("compression.type", codec))) {
                Check.equal(0L, producer.send(sent).get().offset());
            }
            var received = broker.records(topic, Map.of()).get(0);
            Check.equal(sent.key(), received.key());
            Check.equal(sent.value(), received.value());
            Check.equal(sent.timestamp(), received.timestamp());
            Check.equal(sent.headers(), received.headers());
        }
    }

    static void inOrder(Broker broker) throws Exception {
        var topic = broker.topic("order", 1, Map.of());
        var values = IntStream.range(0, 5000).mapToObj(String::valueOf).toList();
        try (var producer = broker.producer(Map.of("batch.size", 100, "linger.ms", 0))) {
            values.forEach(value -> producer.send(Broker.record(topic, value)));
        }
        Check.equal(values, broker.values(topic, Map.of()));
    }

    static void tooLarge(Broker broker) throws Exception {
        var topic = broker.topic("large", 1, Map.of("max.message.bytes", "2000"));
        try (var producer = broker.producer(Map.of())) {
            var large = Broker.record(topic, "x".repeat(3000));
            Check.refused(RecordTooLargeException.class, () -> producer.send(large).get());
            Check.equal(0L, producer.send(Broker.record(topic, "small")).get().offset());
        }
    }

    static void offsetsByTime(Broker broker) throws Exception {
        var topic = broker.topic("times", 1, KEEP_ALL);
        try (var producer = broker.producer(Map.of("linger.ms", 50))) {
            for (long time = 1000; time < 1100; time += 10) {
                producer.send(new ProducerRecord<>(topic, 0, time, null, "v"));
            }
        }
        var partition = Broker.first(topic);
        try (var consumer = broker.consumer(Map.of())) {
            for (var expected : Map.of(0L, 0L, 1041L, 5L, 1050L, 5L, 1090L, 9L).entrySet()) {
                var found = consumer.offsetsForTimes(Map.of(partition, expected.getKey())).get(partition);
                Check.equal(expected.getValue(), found.offset());
            }
            Check.equal(null, consumer.offsetsForTimes(Map.of(partition, 1091L)).get(partition));
        }
    }

    static void deleted(Broker broker) throws Exception {
        var topic = broker.topic("deleted", 1, Map.of());
        broker.send(topic, "a", "b", "c");
        try (var admin = broker.admin()) {
            var request = Map.of(Broker.first(topic), RecordsToDelete.beforeOffset(2));
            var low = admin.deleteRecords(request).lowWatermarks().get(Broker.first(topic)).get();
            Check.equal(2L, low.lowWatermark());
        }
        Check.equal(List.of(2L, 3L), broker.ends(topic));
        Check.equal(List.of(2L), broker.records(topic, Map.of()).stream().map(ConsumerRecord::offset).toList());
    }
}
