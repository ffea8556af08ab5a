import ca.uhn.fhir.context.FhirContext;
import ca.uhn.fhir.context.support.DefaultProfileValidationSupport;
import ca.uhn.fhir.context.support.IValidationSupport;
import ca.uhn.fhir.validation.FhirValidator;
import ca.uhn.fhir.validation.ResultSeverityEnum;
import com.imsweb.x12.reader.X12Reader;
import com.imsweb.x12.reader.X12Reader.FileType;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.hl7.fhir.common.hapi.validation.support.CommonCodeSystemsTerminologyService;
import org.hl7.fhir.common.hapi.validation.support.InMemoryTerminologyServerValidationSupport;
import org.hl7.fhir.common.hapi.validation.support.NpmPackageValidationSupport;
import org.hl7.fhir.common.hapi.validation.support.SnapshotGeneratingValidationSupport;
import org.hl7.fhir.common.hapi.validation.support.UnknownCodeSystemWarningValidationSupport;
import org.hl7.fhir.common.hapi.validation.support.ValidationSupportChain;
import org.hl7.fhir.common.hapi.validation.validator.FhirInstanceValidator;

/**
 * What imsweb's X12 parser and the HL7 FHIR validator say against files, `.x12` and `.json`: a line
 * `file TAB complaint` each. `--igs=a.tgz,b.tgz` (of the class path): the guides that the files
 * behind it are held to.
 */
class Validate {
  private static final Map<String, FhirValidator> VALIDATORS = new HashMap<>();
  private static String guides = "";

  public static void main(String[] files) throws Exception {
    for (String file : files) {
      if (file.startsWith("--igs=")) {
        guides = file.substring(6);
        System.out.println(file);
        continue;
      }
      Path path = Path.of(file);
      for (String complaint : file.endsWith(".json") ? ofFhir(path) : ofX12(path)) {
        System.out.println(file + "\t" + complaint.replaceAll("\\s+", " "));
      }
    }
  }

  private static List<String> ofX12(Path path) throws Exception {
    boolean institutional = Files.readString(path).contains("005010X223");
    FileType type = institutional ? FileType.ANSI837_5010_X223 : FileType.ANSI837_5010_X222;
    X12Reader reader = new X12Reader(type, path.toFile());
    List<String> found = new ArrayList<>(reader.getFatalErrors());
    found.addAll(reader.getErrors());
    return found;
  }

  private static List<String> ofFhir(Path path) throws Exception {
    List<String> found = new ArrayList<>();
    validator().validateWithResult(Files.readString(path)).getMessages().stream()
        .filter(said -> said.getSeverity().ordinal() >= ResultSeverityEnum.ERROR.ordinal())
        .forEach(said -> found.add(said.getLocationString() + ": " + said.getMessage()));
    return found;
  }

  private static FhirValidator validator() throws Exception {
    FhirValidator known = VALIDATORS.get(guides);
    if (known == null) {
      FhirContext context = FhirContext.forR4();
      UnknownCodeSystemWarningValidationSupport unknown =
          new UnknownCodeSystemWarningValidationSupport(context);
      unknown.setNonExistentCodeSystemSeverity(IValidationSupport.IssueSeverity.WARNING);
      ValidationSupportChain chain =
          new ValidationSupportChain(
              new DefaultProfileValidationSupport(context),
              new InMemoryTerminologyServerValidationSupport(context),
              new CommonCodeSystemsTerminologyService(context),
              unknown);
      if (!guides.isEmpty()) {
        NpmPackageValidationSupport packages = new NpmPackageValidationSupport(context);
        for (String guide : guides.split(",")) {
          packages.loadPackageFromClasspath("classpath:" + guide);
        }
        chain.addValidationSupport(0, packages);
        chain.addValidationSupport(new SnapshotGeneratingValidationSupport(context));
      }
      known = context.newValidator().registerValidatorModule(new FhirInstanceValidator(chain));
      VALIDATORS.put(guides, known);
    }
    return known;
  }
}
