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
import java.util.List;
import org.hl7.fhir.common.hapi.validation.support.CommonCodeSystemsTerminologyService;
import org.hl7.fhir.common.hapi.validation.support.InMemoryTerminologyServerValidationSupport;
import org.hl7.fhir.common.hapi.validation.support.UnknownCodeSystemWarningValidationSupport;
import org.hl7.fhir.common.hapi.validation.support.ValidationSupportChain;
import org.hl7.fhir.common.hapi.validation.validator.FhirInstanceValidator;

/**
 * What imsweb's X12 parser and the HL7 FHIR validator say against files, `.x12` and `.json`: a line
 * `file TAB complaint` each.
 */
class Validate {
  private static FhirValidator fhir;

  public static void main(String[] files) throws Exception {
    for (String file : files) {
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

  private static FhirValidator validator() {
    if (fhir == null) {
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
      fhir = context.newValidator().registerValidatorModule(new FhirInstanceValidator(chain));
    }
    return fhir;
  }
}
