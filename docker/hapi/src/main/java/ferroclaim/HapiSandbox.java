package ferroclaim;

import ca.uhn.fhir.batch2.jobs.config.Batch2JobsConfig;
import ca.uhn.fhir.batch2.jobs.export.BulkDataExportProvider;
import ca.uhn.fhir.batch2.maintenance.JobMaintenanceServiceImpl;
import ca.uhn.fhir.context.FhirContext;
import ca.uhn.fhir.context.support.IValidationSupport;
import ca.uhn.fhir.jpa.api.config.JpaStorageSettings;
import ca.uhn.fhir.jpa.api.config.ThreadPoolFactoryConfig;
import ca.uhn.fhir.jpa.api.dao.IFhirSystemDao;
import ca.uhn.fhir.jpa.batch2.JpaBatch2Config;
import ca.uhn.fhir.jpa.cache.ResourceChangeListenerRegistryInterceptor;
import ca.uhn.fhir.jpa.config.HapiJpaConfig;
import ca.uhn.fhir.jpa.config.r4.JpaR4Config;
import ca.uhn.fhir.jpa.config.util.HapiEntityManagerFactoryUtil;
import ca.uhn.fhir.jpa.model.config.PartitionSettings;
import ca.uhn.fhir.jpa.model.config.SubscriptionSettings;
import ca.uhn.fhir.jpa.model.dialect.HapiFhirH2Dialect;
import ca.uhn.fhir.jpa.provider.JpaCapabilityStatementProvider;
import ca.uhn.fhir.jpa.provider.JpaSystemProvider;
import ca.uhn.fhir.jpa.search.DatabaseBackedPagingProvider;
import ca.uhn.fhir.jpa.subscription.channel.config.SubscriptionChannelConfig;
import ca.uhn.fhir.jpa.subscription.match.config.SubscriptionProcessorConfig;
import ca.uhn.fhir.jpa.subscription.match.deliver.email.IEmailSender;
import ca.uhn.fhir.jpa.subscription.submit.config.SubscriptionSubmitterConfig;
import ca.uhn.fhir.jpa.topic.SubscriptionTopicConfig;
import ca.uhn.fhir.rest.api.EncodingEnum;
import ca.uhn.fhir.rest.server.RestfulServer;
import ca.uhn.fhir.rest.server.provider.ResourceProviderFactory;
import ca.uhn.fhir.rest.server.util.ISearchParamRegistry;
import com.zaxxer.hikari.HikariDataSource;
import jakarta.persistence.EntityManagerFactory;
import java.io.IOException;
import java.io.OutputStream;
import java.util.Properties;
import javax.sql.DataSource;
import org.eclipse.jetty.ee10.servlet.ServletContextHandler;
import org.eclipse.jetty.ee10.servlet.ServletHolder;
import org.eclipse.jetty.server.Server;
import org.eclipse.jetty.server.ServerConnector;
import org.hl7.fhir.dstu2.model.Subscription.SubscriptionChannelType;
import org.springframework.beans.factory.config.ConfigurableListableBeanFactory;
import org.springframework.context.ApplicationContext;
import org.springframework.context.annotation.AnnotationConfigApplicationContext;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.context.annotation.Import;
import org.springframework.context.event.ContextRefreshedEvent;
import org.springframework.context.event.EventListener;
import org.springframework.core.NestedExceptionUtils;
import org.springframework.core.Ordered;
import org.springframework.core.annotation.Order;
import org.springframework.orm.jpa.JpaTransactionManager;
import org.springframework.orm.jpa.LocalContainerEntityManagerFactoryBean;

/**
 * The HAPI FHIR R4 JPA server on an embedded Jetty and H2, for tests and for trying things out. run.py starts it.
 *
 * <p>System properties: sandbox.host, sandbox.port (0: any free one), sandbox.database (a file; none: in memory),
 * sandbox.interval (milliseconds between two looks for changes that subscriptions must hear of), sandbox.stdin (true:
 * exit when standard input closes, that is when the process that started this one is gone).
 */
@Configuration
@Import({
    JpaR4Config.class,
    HapiJpaConfig.class,
    JpaBatch2Config.class,
    Batch2JobsConfig.class,
    ThreadPoolFactoryConfig.class,
    SubscriptionChannelConfig.class,
    SubscriptionSubmitterConfig.class,
    SubscriptionProcessorConfig.class,
    SubscriptionTopicConfig.class, // the public image has this in its R4B and R5 modes only
    ResourceChangeListenerRegistryInterceptor.class, // a new topic is known within 10 seconds, not a minute
})
public class HapiSandbox {

    public static void main(String[] arguments) {
        if (Boolean.getBoolean("sandbox.stdin")) {
            exitWithStandardInput();
        }
        try {
            serve();
        } catch (Exception problem) {
            System.err.println("HAPI FHIR could not start: " + NestedExceptionUtils.getMostSpecificCause(problem));
            System.exit(1);
        }
    }

    private static void serve() throws Exception {
        var server = new Server();
        var connector = new ServerConnector(server);
        connector.setHost(System.getProperty("sandbox.host", "127.0.0.1"));
        connector.setPort(Integer.getInteger("sandbox.port", 0));
        connector.open(); // a port in use is noticed at once, not after the database is built
        server.addConnector(connector);

        var beans = new AnnotationConfigApplicationContext(HapiSandbox.class);
        var web = new ServletContextHandler("/");
        web.addServlet(new ServletHolder(fhirServer(beans)), "/fhir/*");
        server.setHandler(web);
        Runtime.getRuntime().addShutdownHook(new Thread(() -> stop(server, beans)));
        server.start();
        System.out.printf("HAPI FHIR ready at http://%s:%d/fhir%n", connector.getHost(), connector.getLocalPort());
    }

    private static void exitWithStandardInput() {
        var watch = new Thread(() -> {
            try {
                System.in.transferTo(OutputStream.nullOutputStream());
            } catch (IOException closed) {
                // as good as the end
            }
            System.exit(0);
        });
        watch.setDaemon(true);
        watch.start();
    }

    private static void stop(Server server, AnnotationConfigApplicationContext beans) {
        try {
            server.stop();
        } catch (Exception problem) {
            problem.printStackTrace();
        }
        beans.close();
    }

    private static RestfulServer fhirServer(ApplicationContext beans) {
        IFhirSystemDao<?, ?> dao = beans.getBean(IFhirSystemDao.class);
        var server = new RestfulServer(beans.getBean(FhirContext.class));
        server.registerProviders(beans.getBean(ResourceProviderFactory.class).createProviders());
        server.registerProvider(beans.getBean(JpaSystemProvider.class));
        server.registerProvider(beans.getBean(BulkDataExportProvider.class));
        server.setServerConformanceProvider(new JpaCapabilityStatementProvider(
                server,
                dao,
                beans.getBean(JpaStorageSettings.class),
                beans.getBean(ISearchParamRegistry.class),
                beans.getBean(IValidationSupport.class)));
        server.setPagingProvider(pages(beans.getBean(DatabaseBackedPagingProvider.class)));
        server.setDefaultResponseEncoding(EncodingEnum.JSON);
        return server;
    }

    /** The public image's page sizes; the library's own are 10 and 50. */
    private static DatabaseBackedPagingProvider pages(DatabaseBackedPagingProvider provider) {
        provider.setDefaultPageSize(20);
        provider.setMaximumPageSize(200);
        return provider;
    }

    /** Each step of an $export waits for this timer, which HAPI sets to a minute. It is read once all beans are there. */
    @Order(Ordered.HIGHEST_PRECEDENCE)
    @EventListener
    void hurryJobs(ContextRefreshedEvent ready) {
        var jobs = ready.getApplicationContext().getBean(JobMaintenanceServiceImpl.class);
        jobs.setScheduledJobFrequencyMillis(1000);
    }

    /** As in the public image. */
    @Bean
    JpaStorageSettings storageSettings() {
        var settings = new JpaStorageSettings();
        settings.setAllowContainsSearches(true);
        settings.setFilterParameterEnabled(true);
        return settings;
    }

    @Bean
    SubscriptionSettings subscriptionSettings() {
        var settings = new SubscriptionSettings();
        settings.addSupportedSubscriptionType(SubscriptionChannelType.RESTHOOK);
        settings.setSubscriptionIntervalInMs(Long.getLong("sandbox.interval", 5000));
        return settings;
    }

    @Bean
    PartitionSettings partitionSettings() {
        return new PartitionSettings();
    }

    @Bean(destroyMethod = "close")
    DataSource dataSource() {
        String file = System.getProperty("sandbox.database", "");
        var source = new HikariDataSource();
        source.setJdbcUrl(file.isEmpty() ? "jdbc:h2:mem:hapi" : "jdbc:h2:file:" + file + ";DB_CLOSE_ON_EXIT=FALSE");
        source.setMaximumPoolSize(20);
        return source;
    }

    @Bean
    LocalContainerEntityManagerFactoryBean entityManagerFactory(
            DataSource source, ConfigurableListableBeanFactory beans, FhirContext fhir, JpaStorageSettings settings) {
        var hibernate = new Properties();
        hibernate.put("hibernate.dialect", HapiFhirH2Dialect.class.getName());
        hibernate.put("hibernate.hbm2ddl.auto", "update");
        hibernate.put("hibernate.search.enabled", "false");
        var factory = HapiEntityManagerFactoryUtil.newEntityManagerFactory(beans, fhir, settings);
        factory.setPersistenceUnitName("HAPI");
        factory.setDataSource(source);
        factory.setJpaProperties(hibernate);
        return factory;
    }

    @Bean
    JpaTransactionManager transactionManager(EntityManagerFactory factory) {
        return new JpaTransactionManager(factory);
    }

    /** HAPI asks for one even where the e-mail channel is off. */
    @Bean
    IEmailSender emailSender() {
        return email -> {};
    }
}
