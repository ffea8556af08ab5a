"""Code systems and systems of identifiers as FHIR names them: what we write is written with these.

Held by tests/unit/test_writing_claims.py.
"""

HL7 = "http://terminology.hl7.org/CodeSystem/"
HCPCS = "http://www.cms.gov/Medicare/Coding/HCPCSReleaseCodeSets"
CPT = "http://www.ama-assn.org/go/cpt"
PLACE_OF_SERVICE = (
    "https://www.cms.gov/Medicare/Coding/place-of-service-codes/Place_of_Service_Code_Set"
)
REVENUE = "https://www.nubc.org/CodeSystem/RevenueCodes"
NPI = "http://hl7.org/fhir/sid/us-npi"
MBI = "http://hl7.org/fhir/sid/us-mbi"
RXNORM = "http://www.nlm.nih.gov/research/umls/rxnorm"
NDC = "http://hl7.org/fhir/sid/ndc"
ICD_10_CM = "http://hl7.org/fhir/sid/icd-10-cm"
TAXONOMY = "http://nucc.org/provider-taxonomy"
LOINC = "http://loinc.org"
UCUM = "http://unitsofmeasure.org"
PAS = "http://hl7.org/fhir/us/davinci-pas/StructureDefinition/"
