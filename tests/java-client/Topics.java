import static org.apache.kafka.clients.admin.AlterConfigOp.OpType.APPEND;
import static org.apache.kafka.clients.admin.AlterConfigOp.OpType.DELETE;
import static org.apache.kafka.clients.admin.AlterConfigOp.OpType.SET;
import static org.apache.kafka.clients.admin.AlterConfigOp.OpType.SUBTRACT;

import java.util.List;
import java.util.Map;
import org.apache.kafka.clients.admin.AlterConfigOp;
import org.apache.kafka.clients.admin.ConfigEntry;
import org.apache.kafka.clients.admin.NewPartitions;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.errors.InvalidConfigurationException;
import org.apache.kafka.common.errors.InvalidPartitionsException;
import org.apache.kafka.common.errors.TopicExistsException;
import org.apache.kafka.common.errors.UnknownTopicOrPartitionException;

/** Topics and their settings, which can be changed while the broker runs. */
final class Topics {
    private static final long HOUR_MS = 3_600_000;

    private Topics() {}

    static void createdExtendedDeleted(Broker broker) throws Exception {
        var topic = broker.topic("topic", 2, Map.of());
        Check.refused(TopicExistsException.class, () -> broker.topic("topic", 2, Map.of()));
        try (var admin = broker.admin()) {
            admin.createPartitions(Map.of(topic, NewPartitions.increaseTo(5))).all().get();
            var described = admin.describeTopics(List.of(topic)).allTopicNames().get().get(topic);
            Check.equal(5, described.partitions().size());
            var fewer = Map.of(topic, NewPartitions.increaseTo(3));
            Check.refused(InvalidPartitionsException.class, () -> admin.createPartitions(fewer).all().get());
            admin.deleteTopics(List.of(topic)).all().get();
            Check.eventually("deleted", () -> !admin.listTopics().names().get().contains(topic));
            Check.refused(
                    UnknownTopicOrPartitionException.class, () -> admin.deleteTopics(List.of(topic)).all().get());
        }
    }

    private static void alter(Broker broker, String topic, AlterConfigOp.OpType type, String name, String value)
            throws Exception {
        var resource = new ConfigResource(ConfigResource.Type.TOPIC, topic);
        try (var admin = broker.admin()) {
            var operation = new AlterConfigOp(new ConfigEntry(name, value), type);
            admin.incrementalAlterConfigs(Map.of(resource, List.of(operation))).all().get();
        }
    }

    private static ConfigEntry setting(Broker broker, String topic, String name) throws Exception {
        var resource = new ConfigResource(ConfigResource.Type.TOPIC, topic);
        try (var admin = broker.admin()) {
            return admin.describeConfigs(List.of(resource)).all().get().get(resource).get(name);
        }
    }

    private static void expect(Broker broker, String topic, String name, String value) throws Exception {
        Check.eventually(name + "=" + value, () -> setting(broker, topic, name).value().equals(value));
    }

    static void settingsAreChanged(Broker broker) throws Exception {
        var topic = broker.topic("settings", 1, Map.of("retention.ms", "60000"));
        alter(broker, topic, SET, "retention.bytes", "5000000");
        expect(broker, topic, "retention.bytes", "5000000");
        expect(broker, topic, "retention.ms", "60000");
        alter(broker, topic, DELETE, "retention.ms", null);
        Check.eventually("the default", () -> setting(broker, topic, "retention.ms").isDefault());
        alter(broker, topic, APPEND, "cleanup.policy", "compact");
        expect(broker, topic, "cleanup.policy", "delete,compact");
        alter(broker, topic, SUBTRACT, "cleanup.policy", "delete");
        expect(broker, topic, "cleanup.policy", "compact");
        for (var wrong : Map.of("retention.ms", "soon", "no.such.setting", "1").entrySet()) {
            Check.refused(InvalidConfigurationException.class, () -> {
                alter(broker, topic, SET, wrong.getKey(), wrong.getValue());
                return null;
            });
        }
    }

    static void retentionIsShortened(Broker broker) throws Exception {
        var topic = broker.topic("retention", 1, Map.of("retention.ms", "-1"));
        try (var producer = broker.producer(Map.of())) {
            long anHourAgo = System.currentTimeMillis() - HOUR_MS;
            producer.send(new ProducerRecord<>(topic, 0, anHourAgo, null, "old")).get();
        }
        Check.equal(List.of(0L, 1L), broker.ends(topic));
        alter(broker, topic, SET, "retention.ms", "600000");
    }

    /** The last case: the broker has had time meanwhile. */
    static void oldRecordsAreGone(Broker broker) throws Exception {
        Check.eventually("deleted", () -> broker.ends(broker.name("retention")).equals(List.of(1L, 1L)));
    }
}
