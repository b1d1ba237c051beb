import com.hivemq.embedded.EmbeddedExtension;
import com.hivemq.embedded.EmbeddedHiveMQ;
import com.hivemq.extension.sdk.api.ExtensionMain;
import com.hivemq.extension.sdk.api.auth.PublishAuthorizer;
import com.hivemq.extension.sdk.api.auth.SubscriptionAuthorizer;
import com.hivemq.extension.sdk.api.auth.parameter.*;
import com.hivemq.extension.sdk.api.parameter.*;
import com.hivemq.extension.sdk.api.services.Services;
import java.nio.file.Path;

/**
 * HiveMQ CE in the directory of the first argument, where nobody may read or write the topic of the
 * second.
 */
public final class Main {
  public static void main(String[] args) throws Exception {
    Path dir = Path.of(args[0]);
    EmbeddedExtension rules = EmbeddedExtension.builder()
        .withId("rules").withName("rules").withVersion("0").withAuthor("mcpmqtt")
        .withExtensionMain(new Rules(args[1]))
        .build();
    EmbeddedHiveMQ broker = EmbeddedHiveMQ.builder()
        .withConfigurationFolder(dir.resolve("conf"))
        .withDataFolder(dir.resolve("data"))
        .withExtensionsFolder(dir.resolve("extensions"))
        .withEmbeddedExtension(rules)
        .build();
    broker.start().join();
    Thread.currentThread().join();
  }

  private record Rules(String prohibited) implements ExtensionMain {
    @Override
    public void extensionStart(ExtensionStartInput input, ExtensionStartOutput output) {
      SubscriptionAuthorizer subscriptions = (one, answer) -> {
        if (one.getSubscription().getTopicFilter().equals(prohibited)) answer.failAuthorization();
        else answer.authorizeSuccessfully();
      };
      PublishAuthorizer publishes = (one, answer) -> {
        if (one.getPublishPacket().getTopic().equals(prohibited)) answer.failAuthorization();
        else answer.authorizeSuccessfully();
      };
      Services.securityRegistry().setAuthorizerProvider(provider -> new Both(subscriptions, publishes));
    }

    @Override
    public void extensionStop(ExtensionStopInput input, ExtensionStopOutput output) {}
  }

  private record Both(SubscriptionAuthorizer subscriptions, PublishAuthorizer publishes)
      implements SubscriptionAuthorizer, PublishAuthorizer {
    @Override
    public void authorizeSubscribe(
        SubscriptionAuthorizerInput input, SubscriptionAuthorizerOutput output) {
      subscriptions.authorizeSubscribe(input, output);
    }

    @Override
    public void authorizePublish(PublishAuthorizerInput input, PublishAuthorizerOutput output) {
      publishes.authorizePublish(input, output);
    }
  }
}
