import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.kafka.common.serialization.StringSerializer;

/** The broker under test: clients of it, and names that no other run has. */
final class Broker {
    static final Map<String, Object> READ_COMMITTED = Map.of("isolation.level", "read_committed");
    private static final Duration POLL = Duration.ofMillis(50);

    private final String address;
    private final String run = "java-" + ProcessHandle.current().pid() + "-" + System.currentTimeMillis();

    Broker(String address) {
        this.address = address;
    }

    /** `host:port`. */
    String address() {
        return address;
    }

    String name(String name) {
        return name + "-" + run;
    }

    private Map<String, Object> settings(Map<String, Object> more) {
        var settings = new HashMap<String, Object>();
        settings.put("bootstrap.servers", address);
        settings.putAll(more);
        return settings;
    }

    Admin admin() {
        return Admin.create(settings(Map.of()));
    }

    /** Idempotent, as is Kafka's default. */
    KafkaProducer<String, String> producer(Map<String, Object> more) {
        return new KafkaProducer<>(settings(more), new StringSerializer(), new StringSerializer());
    }

    /** Ready; the one before it with the same id is fenced off. */
    KafkaProducer<String, String> transactional(String id) {
        var producer = producer(Map.of("transactional.id", name(id)));
        producer.initTransactions();
        return producer;
    }

    KafkaConsumer<String, String> consumer(Map<String, Object> more) {
        var settings = settings(Map.of("auto.offset.reset", "earliest", "enable.auto.commit", "false"));
        settings.putAll(more);
        return new KafkaConsumer<>(settings, new StringDeserializer(), new StringDeserializer());
    }

    /** Creates a topic and returns its name. */
    String topic(String name, int partitions, Map<String, String> settings) throws Exception {
        try (var admin = admin()) {
            var topic = new NewTopic(name(name), partitions, (short) 1).configs(settings);
            admin.createTopics(List.of(topic)).all().get();
        }
        return name(name);
    }

    static TopicPartition first(String topic) {
        return new TopicPartition(topic, 0);
    }

    /** A record for partition 0. */
    static ProducerRecord<String, String> record(String topic, String value) {
        return new ProducerRecord<>(topic, 0, null, value);
    }

    /** Sends records with these values, each acknowledged before the next. */
    void send(String topic, String... values) throws Exception {
        try (var producer = producer(Map.of())) {
            for (var value : values) {
                producer.send(record(topic, value)).get();
            }
        }
    }

    /** All records of partition 0, up to where the isolation lets a reader see. */
    List<ConsumerRecord<String, String>> records(String topic, Map<String, Object> more) {
        try (var consumer = consumer(more)) {
            var partition = first(topic);
            consumer.assign(List.of(partition));
            consumer.seekToBeginning(List.of(partition));
            long end = consumer.endOffsets(List.of(partition)).get(partition);
            var records = new ArrayList<ConsumerRecord<String, String>>();
            while (consumer.position(partition) < end) {
                consumer.poll(POLL).forEach(records::add);
            }
            return records;
        }
    }

    List<String> values(String topic, Map<String, Object> more) {
        return records(topic, more).stream().map(ConsumerRecord::value).toList();
    }

    /** The first and the next offset of partition 0. */
    List<Long> ends(String topic) {
        try (var consumer = consumer(Map.of())) {
            var partitions = List.of(first(topic));
            long begin = consumer.beginningOffsets(partitions).get(first(topic));
            return List.of(begin, consumer.endOffsets(partitions).get(first(topic)));
        }
    }

    /** The next so many records of a consumer; none beyond them may have come. */
    static List<ConsumerRecord<String, String>> take(KafkaConsumer<String, String> consumer, int count)
            throws Exception {
        var records = new ArrayList<ConsumerRecord<String, String>>();
        Check.eventually(count + " records", () -> {
            consumer.poll(POLL).forEach(records::add);
            return records.size() >= count;
        });
        Check.equal(count, records.size());
        return records;
    }
}
