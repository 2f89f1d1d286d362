import java.io.BufferedReader;
import java.io.IOException;
import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Future;
import java.util.stream.IntStream;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.RecordMetadata;

/** Connections that are cut and brokers that are killed, by programs of `tests/support/examples`. */
final class Faults {
    private static final int RECORDS_BETWEEN = 200;
    private static final Map<String, Object> SMALL_BATCHES =
            Map.of("batch.size", 200, "linger.ms", 0, "reconnect.backoff.ms", 10, "retry.backoff.ms", 10);

    private Faults() {}

    /** A program that answers each line with one, and ends with its standard input. */
    private record Program(Process process, BufferedReader out, PrintWriter in) implements AutoCloseable {
        static Program start(String... command) throws IOException {
            var process = new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.INHERIT).start();
            return new Program(process, process.inputReader(), new PrintWriter(process.getOutputStream(), true));
        }

        @Override
        public void close() {
            in.close();
            process.onExit().join();
        }
    }

    private static void send(
            KafkaProducer<String, String> producer, String topic, int from, List<Future<RecordMetadata>> sent) {
        for (int number = from; number < from + RECORDS_BETWEEN; number++) {
            sent.add(producer.send(Broker.record(topic, String.valueOf(number))));
        }
    }

    /** Every record was acknowledged in its place, and nothing else is there. */
    private static void check(Broker broker, String topic, List<Future<RecordMetadata>> sent) throws Exception {
        for (int number = 0; number < sent.size(); number++) {
            Check.equal((long) number, sent.get(number).get().offset());
        }
        var expected = IntStream.range(0, sent.size()).mapToObj(String::valueOf).toList();
        Check.equal(expected, broker.values(topic, Map.of()));
    }

    static void cutConnections(Broker broker) throws Exception {
        var topic = broker.topic("cuts", 1, Map.of());
        var sent = new ArrayList<Future<RecordMetadata>>();
        try (var proxy = Program.start(System.getenv("TAILRACE_TEST_LOSSY_PROXY"), broker.address())) {
            try (var producer = new Broker(proxy.out.readLine()).producer(SMALL_BATCHES)) {
                for (int cut = 0; cut < 10; cut++) {
                    send(producer, topic, sent.size(), sent);
                    producer.flush();
                }
            }
            proxy.in.close();
            if (Integer.parseInt(proxy.out.readLine()) == 0) {
                throw new AssertionError("nothing was cut");
            }
        }
        check(broker, topic, sent);
    }

    static void killedBroker(Broker unused) throws Exception {
        int kills = Integer.parseInt(System.getenv("TAILRACE_TEST_KILLS"));
        var sent = new ArrayList<Future<RecordMetadata>>();
        try (var node = Program.start(System.getenv("TAILRACE_TEST_CRASHING_NODE").split(" "))) {
            var broker = new Broker(node.out.readLine());
            var topic = broker.topic("kills", 1, Map.of());
            try (var producer = broker.producer(SMALL_BATCHES)) {
                for (int kill = 0; kill < kills; kill++) {
                    send(producer, topic, sent.size(), sent);
                    node.in.println();
                    Check.equal("back", node.out.readLine());
                }
            }
            check(broker, topic, sent);
        }
    }
}
